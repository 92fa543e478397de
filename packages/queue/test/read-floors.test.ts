import type { LeasedMessage } from '@aimq/events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createQueueClient, type QueueClient } from '../src/index.ts'
import { createDatabase, type TestDatabase } from './database.ts'

const leaseMs = 60_000

let database: TestDatabase
let client: QueueClient
let counter = 0

beforeAll(async () => {
  database = await createDatabase()
  client = createQueueClient({ connectionString: database.url })
})

afterAll(async () => {
  await client.close()
  await database[Symbol.asyncDispose]()
})

/** A queue with messages that became due a millisecond apart, the last of them a moment ago. */
async function backlogOf(count: number): Promise<string> {
  counter += 1
  const queue = `backlog_${counter}`
  await client.create(queue)
  await database.query(
    `insert into pgmq.q_${queue} (vt, message)
     select clock_timestamp() - n * interval '1 millisecond', to_jsonb(n) from generate_series($1::int, 1, -1) as n`,
    [count],
  )
  return queue
}

/** A message that has been due for an hour, and appears only now: its producer was slow to commit. */
async function appearLate(queue: string): Promise<void> {
  await database.query(
    `insert into pgmq.q_${queue} (vt, message) values (now() - interval '1 hour', '"late"')`,
  )
}

const payloadsOf = (messages: readonly LeasedMessage[]) => messages.map(({ payload }) => payload)
const deletionsOf = (messages: readonly LeasedMessage[]) =>
  messages.map((message) => ({ ...message, action: 'delete' as const }))

describe('a backlog', () => {
  it('does not hold up for long what appears below it', async () => {
    const backlog = 4000
    const queue = await backlogOf(backlog)
    for (let n = 0; n < 3; n++) await client.read(queue, { count: 1, leaseMs })
    await appearLate(queue)
    let reads = 0
    for (let found: unknown; found !== 'late'; reads++) {
      expect(reads).toBeLessThan(backlog / 2)
      const { messages } = await client.read(queue, { count: 1, leaseMs })
      found = messages[0]?.payload
    }
  })
})

describe('a read that finds nothing more', () => {
  it('has looked everywhere', async () => {
    const queue = await backlogOf(20)
    for (let n = 0; n < 2; n++) await client.read(queue, { count: 10, leaseMs })
    await appearLate(queue)
    const { messages, next } = await client.read(queue, { count: 10, leaseMs })
    expect(payloadsOf(messages)).toEqual(['late'])
    expect(next).toBeNull()
    const last = await client.read(queue, { count: 10, leaseMs })
    expect(last.messages).toEqual([])
    expect(last.next?.nextDueInMs).toBeGreaterThan(0)
  })

  it('has done so beside settling, once', async () => {
    const queue = await backlogOf(20)
    await client.read(queue, { count: 10, leaseMs })
    const { messages } = await client.read(queue, { count: 10, leaseMs })
    await appearLate(queue)
    const settled = await client.settle(queue, {
      settlements: deletionsOf(messages),
      read: { count: 10, leaseMs },
    })
    expect(settled.lost).toEqual([])
    expect(payloadsOf(settled.read?.messages ?? [])).toEqual(['late'])
  })
})
