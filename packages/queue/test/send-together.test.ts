import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createQueueClient, type QueueClient, type SqlClient } from '../src/index.ts'
import { createDatabase, failureOf, type TestDatabase } from './database.ts'

let database: TestDatabase
let client: QueueClient
let statements = 0
let queue = ''
let counter = 0

beforeAll(async () => {
  database = await createDatabase()
  const counting: SqlClient = {
    query: (text, values) => {
      if (text.includes('insert into')) statements++
      return database.pool.query(text, values)
    },
  }
  client = createQueueClient({ client: counting })
})

beforeEach(async () => {
  counter += 1
  queue = `together_${counter}`
  await client.create(queue)
  statements = 0
})

afterAll(async () => {
  await client.close()
  await database[Symbol.asyncDispose]()
})

const payloads = async (): Promise<Map<string, unknown>> => {
  const rows = await database.query<{ id: string; message: unknown }>(
    `select msg_id::text as id, message from pgmq.q_${queue}`,
  )
  return new Map(rows.map(({ id, message }) => [id, message]))
}

it('sends of one moment share a statement, and each gets the id of its own message', async () => {
  const ids = await Promise.all(Array.from({ length: 100 }, (_, n) => client.send(queue, { n })))
  expect(statements).toBe(1)
  const there = await payloads()
  expect(there.size).toBe(100)
  ids.forEach((id, n) => {
    expect(there.get(id)).toEqual({ n })
  })
})

it('senders who each wait for their answer stay together', async () => {
  const line = async () => {
    for (let n = 0; n < 20; n++) await client.send(queue, n)
  }
  await Promise.all(Array.from({ length: 10 }, line))
  expect((await payloads()).size).toBe(200)
  expect(statements).toBeLessThan(60)
})

it('a promise means committed', async () => {
  await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const id = await client.send(queue, n)
      expect((await payloads()).get(id)).toBe(n)
    }),
  )
})

it('a message that the database refuses fails alone', async () => {
  await database.query(`alter table pgmq.q_${queue} add check (message <> '"refused"'::jsonb)`)
  const sends = Array.from({ length: 10 }, (_, n) => client.send(queue, n === 4 ? 'refused' : n))
  const ended = await Promise.allSettled(sends)
  expect(ended.map(({ status }) => status)).toEqual(
    Array.from({ length: 10 }, (_, n) => (n === 4 ? 'rejected' : 'fulfilled')),
  )
  expect(ended[4]).toMatchObject({ reason: { code: 'queue/database-failed' } })
  expect([...(await payloads()).values()].sort()).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9])
})

it('a message that is no JSON fails alone, and one whose signal was aborted is not sent', async () => {
  const aborted = new AbortController()
  const sends = [
    client.send(queue, 'good'),
    client.send(queue, Number.NaN),
    client.send(queue, 'too late', { signal: aborted.signal }),
  ]
  aborted.abort(new Error('changed my mind'))
  const ended = await Promise.allSettled(sends)
  expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  expect(ended[1]).toMatchObject({ reason: { code: 'queue/invalid-payload' } })
  expect(ended[2]).toMatchObject({ reason: { message: 'changed my mind' } })
  expect([...(await payloads()).values()]).toEqual(['good'])
})

it('delays and headers are each message’s own', async () => {
  const [soon, later] = await Promise.all([
    client.send(queue, 'now', { headers: { tenant: 'a' } }),
    client.send(queue, 'later', { delayMs: 60_000 }),
  ])
  const { messages } = await client.read(queue, { count: 10, leaseMs: 1000 })
  expect(messages.map(({ id, headers }) => ({ id, headers }))).toEqual([
    { id: soon, headers: { tenant: 'a' } },
  ])
  expect((await payloads()).get(later)).toBe('later')
})

it('a queue that is not there is told to everybody, and closing waits for what is under way', async () => {
  const lost = Array.from({ length: 3 }, (_, n) => failureOf(client.send('nowhere', n)))
  for (const failure of await Promise.all(lost)) expect(failure.code).toBe('queue/not-found')

  const own = createQueueClient({ connectionString: database.url })
  await own.probe(queue)
  const sends = Array.from({ length: 5 }, (_, n) => own.send(queue, n))
  const closed = own.close()
  expect(await Promise.all(sends)).toHaveLength(5)
  await closed
  expect((await payloads()).size).toBe(5)
  expect((await failureOf(own.send(queue, 'after'))).code).toBe('queue/closed')
})
