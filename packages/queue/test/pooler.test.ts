import { afterAll, beforeAll, expect, it } from 'vitest'
import { createQueueClient, type QueueClient } from '../src/index.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { type Pgbouncer, startPgbouncer } from './pgbouncer.ts'

let database: TestDatabase
let pooler: Pgbouncer
let clients: QueueClient[]

beforeAll(async () => {
  database = await createDatabase()
  pooler = await startPgbouncer(database.url)
  // Far more client connections than the pooler's two: each statement meets another server connection.
  clients = Array.from({ length: 4 }, () =>
    createQueueClient({ connectionString: pooler.url, maxConnections: 5 }),
  )
})

afterAll(async () => {
  for (const client of clients ?? []) await client.close()
  await pooler?.[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

it('loses and doubles nothing behind a transaction pooler', async () => {
  const [first] = clients as [QueueClient]
  await Promise.all(clients.map((client) => client.install()))
  await first.create('pooled')
  const total = 400
  await Promise.all(
    Array.from({ length: total }, (_, n) =>
      // Every payload twice, with the same key, by two clients at once.
      Promise.all(
        [n, n + 1].map((c) =>
          (clients[c % clients.length] as QueueClient).send('pooled', n, { idempotencyKey: `key ${n}` }),
        ),
      ),
    ),
  )
  const done: number[] = []
  await Promise.all(
    clients.map(async (client) => {
      let { messages } = await client.read('pooled', { count: 7, leaseMs: 60_000 })
      while (messages.length > 0) {
        expect((await client.extend('pooled', { leases: messages, leaseMs: 60_000 })).lost).toEqual([])
        const { lost, read } = await client.settle('pooled', {
          settlements: messages.map((message, n) => ({
            ...message,
            action: n % 2 === 0 ? 'archive' : 'delete',
          })),
          read: { count: 7, leaseMs: 60_000 },
        })
        expect(lost).toEqual([])
        done.push(...messages.map(({ payload }) => payload as number))
        messages = [...(read?.messages ?? [])]
      }
    }),
  )
  expect(done.sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, n) => n))
  const [server] = await database.query(
    `select count(*)::int as sessions from pg_stat_activity where datname = $1 and application_name = 'aimq'`,
    [database.name],
  )
  expect(server?.sessions).toBeGreaterThan(0)
  expect(server?.sessions).toBeLessThanOrEqual(2)
})
