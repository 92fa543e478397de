import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isDirectSession, recognizeSession } from '../src/direct-session.ts'
import { createQueueClient } from '../src/index.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { startPgbouncer } from './pgbouncer.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
})

afterAll(() => database[Symbol.asyncDispose]())

async function recognize(url: string): Promise<{ direct: boolean; scans: string }> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await recognizeSession(client, 10_000)
  const { rows } = await client.query('show enable_seqscan')
  await client.end()
  return { direct: isDirectSession(client), scans: rows[0].enable_seqscan }
}

it('knows a session of its own from one that a pooler lends out, and leaves that as it was', async () => {
  expect(await recognize(database.url)).toEqual({ direct: true, scans: 'off' })
  await using pooler = await startPgbouncer(database.url, 1)
  expect(await recognize(pooler.url)).toEqual({ direct: false, scans: 'on' })
})

it('never scans a queue that was empty when its statements were prepared', async () => {
  const client = createQueueClient({ connectionString: database.url, maxConnections: 1 })
  await client.create('grown')
  await database.query('vacuum analyze pgmq.q_grown')
  const work = async () => {
    for (let round = 0; round < 12; round++) {
      await client.send('grown', round)
      const { messages } = await client.read('grown', { count: 10, leaseMs: 60_000 })
      await client.extend('grown', { leases: messages, leaseMs: 60_000 })
      await client.settle('grown', {
        settlements: messages.map((message) => ({ ...message, action: 'archive' as const })),
        read: { count: 10, leaseMs: 60_000 },
      })
    }
  }
  await work()
  await database.query(
    `insert into pgmq.q_grown (vt, message) select now() + interval '1 hour', to_jsonb(n) from generate_series(1, 20000) as n`,
  )
  await work()
  // What a session has read is counted for good when it ends.
  await client.close()
  const scanned = async () =>
    Number(
      (await database.query(`select seq_tup_read from pg_stat_user_tables where relname = 'q_grown'`))[0]
        ?.seq_tup_read,
    )
  await expect
    .poll(async () => {
      const [row] = await database.query(`select idx_scan from pg_stat_user_tables where relname = 'q_grown'`)
      return Number(row?.idx_scan)
    })
    .toBeGreaterThan(40)
  expect(await scanned()).toBeLessThan(1000)
})
