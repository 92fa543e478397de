import { defineQueue } from '@aimq/events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createQueueClient, type QueueClient } from '../src/index.ts'
import { createDatabase, failureOf, type TestDatabase } from './database.ts'

let database: TestDatabase
let client: QueueClient

beforeAll(async () => {
  database = await createDatabase()
  client = createQueueClient({ connectionString: database.url })
})

afterAll(async () => {
  await client.close()
  await database[Symbol.asyncDispose]()
})

/** A client that knows the queue already, and how many statements it has sent since. */
async function countingClient(queue: string, options: { maxPayloadBytes?: number } = {}) {
  let count = 0
  const counting = createQueueClient({
    ...options,
    client: {
      query: (text, values) => {
        count += 1
        return database.pool.query(text, values)
      },
    },
  })
  await counting.probe(queue)
  const known = count
  return { counting, queries: () => count - known }
}

describe('send', () => {
  it('stores the message and answers with its id', async () => {
    await client.create('one')
    const id = await client.send('one', { hello: 'wörld' }, { headers: { trace: 'abc' } })
    expect(id).toBe('1')
    const [row] = await database.query('select message, headers, read_ct from pgmq.q_one')
    expect(row).toEqual({ message: { hello: 'wörld' }, headers: { trace: 'abc' }, read_ct: 0 })
  })

  it('sends thousands in one round trip, with ids in the order given', async () => {
    await client.create('many')
    const { counting, queries } = await countingClient('many')
    const { ids, duplicateIds } = await counting.sendMany(
      'many',
      Array.from({ length: 5000 }, (_, n) => ({ payload: { n } })),
    )
    expect(queries()).toBe(1)
    expect(duplicateIds).toEqual([])
    expect(ids).toHaveLength(5000)
    const rows = await database.query<{ id: string; n: number }>(
      `select msg_id::text as id, (message ->> 'n')::int as n from pgmq.q_many order by n`,
    )
    expect(rows.map((row) => row.id)).toEqual(ids)
  })

  it('refuses a batch beyond 64 MiB before any of it goes to the database', async () => {
    await client.create('heavy')
    const { counting, queries } = await countingClient('heavy', { maxPayloadBytes: 8 * 1024 * 1024 })
    // The largest that any client may be allowed, quotes included: eight are 64 MiB, and what is between them is beyond.
    const payload = 'x'.repeat(8 * 1024 * 1024 - 2)
    const error = await failureOf(counting.sendMany('heavy', Array(8).fill({ payload })))
    expect(error).toMatchObject({ code: 'queue/invalid-input' })
    expect(error.message).toContain(
      'expected a batch of at most 67108864 bytes, got 67108873; send it in several',
    )
    expect(queries()).toBe(0)
    expect(await database.query('select from pgmq.q_heavy')).toEqual([])
  })

  it('sends nothing for an empty batch', async () => {
    expect(await client.sendMany('nowhere', [])).toEqual({ ids: [], duplicateIds: [] })
  })

  it('hides a message until its delay is over, by the clock of the database', async () => {
    await client.create('later')
    await client.send('later', 'delayed', { delayMs: 150_000 })
    await client.send('later', 'due', { dueAt: new Date('2090-01-01T00:00:00.000Z') })
    await client.send('later', 'past', { dueAt: Date.parse('2020-01-01T00:00:00.000Z') + 0.125 })
    const rows = await database.query(
      `select message, round(extract(epoch from vt - clock_timestamp())) as wait, to_char(vt at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US') as vt from pgmq.q_later order by msg_id`,
    )
    expect(Number(rows[0]?.wait)).toBeGreaterThan(140)
    expect(Number(rows[0]?.wait)).toBeLessThanOrEqual(150)
    expect(rows[1]?.vt).toBe('2090-01-01 00:00:00.000000')
    expect(rows[2]?.vt).toBe('2020-01-01 00:00:00.000125')
    const { messages } = await client.read('later', { count: 10, leaseMs: 30_000 })
    expect(messages.map((message) => message.payload)).toEqual(['past'])
    expect(messages[0]?.dueAt).toBe(Date.parse('2020-01-01T00:00:00.000Z') + 0.125)
  })

  it.each([
    ['a negative delay', { delayMs: -1 }],
    ['an endless delay', { delayMs: Number.POSITIVE_INFINITY }],
    ['no number', { delayMs: Number.NaN }],
    ['more than a century', { delayMs: 4e12 }],
    ['an invalid date', { dueAt: new Date('nonsense') }],
    ['both', { delayMs: 1, dueAt: Date.now() }],
    ['an empty key', { idempotencyKey: '' }],
    ['a key that is too long', { idempotencyKey: 'x'.repeat(256) }],
    ['a key with U+0000', { idempotencyKey: 'a\0b' }],
  ])('refuses %s before any SQL', async (_, options) => {
    const error = await failureOf(client.send('queue_that_is_not_there', {}, options))
    expect(error).toMatchObject({ code: 'queue/invalid-input' })
    expect(error.message).toMatch(/^queue "queue_that_is_not_there": expected .* got /)
  })

  it('refuses options it does not know, with the near spelling', async () => {
    const wrong = { delayMs: -1, dealyMs: 4 }
    for (const sending of [
      client.send('queue_that_is_not_there', {}, wrong),
      client.sendMany('queue_that_is_not_there', [{ payload: {}, ...wrong }]),
    ]) {
      const error = await failureOf(sending)
      expect(error).toMatchObject({ code: 'queue/invalid-input' })
      expect(error.message).toContain('got "dealyMs"; did you mean "delayMs"?')
    }
  })

  it('validates by the schema of the definition, and sends the input rather than the output', async () => {
    const mails = defineQueue('mails', {
      schema: z.object({
        at: z.string().transform((text) => new Date(text)),
        retries: z.number().default(3),
      }),
    })
    await client.create(mails)
    await client.send(mails, { at: '2030-01-01' })
    // @ts-expect-error the schema wants a string
    const error = await failureOf(client.send(mails, { at: 5 }))
    expect(error).toMatchObject({ code: 'events/payload-refused' })
    const rows = await database.query('select message from pgmq.q_mails')
    expect(rows).toEqual([{ message: { at: '2030-01-01' } }])
    const { messages } = await client.read(mails, { count: 2, leaseMs: 1000 })
    expect(messages[0]?.payload.at satisfies string | undefined).toBe('2030-01-01')
  })
})

describe('read', () => {
  it('leases what is due, oldest first, and counts the read', async () => {
    await client.create('leasing')
    const { ids } = await client.sendMany('leasing', [{ payload: 1 }, { payload: 2 }, { payload: 3 }])
    const { messages, readAt, next } = await client.read('leasing', { count: 2, leaseMs: 20_000 })
    expect(messages.map(({ id, payload, readCount }) => ({ id, payload, readCount }))).toEqual([
      { id: ids[0], payload: 1, readCount: 1 },
      { id: ids[1], payload: 2, readCount: 1 },
    ])
    expect(next).toBeNull()
    const [row] = await database.query<{ vt: number; enqueued: number; last: boolean }>(
      `select extract(epoch from vt)::float8 * 1000 as vt, extract(epoch from enqueued_at)::float8 * 1000 as enqueued,
         last_read_at is not null as last from pgmq.q_leasing where msg_id = $1`,
      [ids[0]],
    )
    expect(row?.last).toBe(true)
    expect(messages[0]?.enqueuedAt).toBe(row?.enqueued)
    expect(Number(row?.vt) - readAt).toBeGreaterThan(19_900)
    expect(Number(row?.vt) - readAt).toBeLessThanOrEqual(20_000)
    expect(messages[0]?.dueAt).toBeLessThanOrEqual(readAt)
  })

  it('keeps what belongs together together: large and small, with headers and without, whatever the texts hold', async () => {
    await client.create('medley')
    const texts = [
      '',
      ',',
      'a\nb',
      '\u2028',
      '{"a":1}\n',
      '"',
      '\\n',
      'x'.repeat(8189),
      'x'.repeat(8190),
      'ä'.repeat(20_000),
    ]
    const drafts = texts.flatMap((text, n) => [
      { payload: text },
      { payload: { text, big: '12345678901234567890' }, headers: { n, text: text.slice(0, 100) } },
      { payload: [text, n] },
    ])
    const { ids } = await client.sendMany('medley', drafts)
    const [odd] = await database.query<{ msg_id: string }>(
      `insert into pgmq.q_medley (vt, message) values (now(), null) returning msg_id::text`,
    )
    await database.query(`update pgmq.q_medley set read_ct = msg_id % 7`)
    const sent = [...drafts.map((draft, n) => ({ id: ids[n], ...draft })), { id: odd?.msg_id, payload: null }]
    const { messages } = await client.read('medley', { count: 100, leaseMs: 20_000 })
    expect(
      messages.map(({ id, payload, headers, readCount }) => ({ id, payload, headers, readCount })),
    ).toEqual(sent.map((draft) => ({ headers: null, ...draft, readCount: (Number(draft.id) % 7) + 1 })))
    const settlements = messages.map((message) => ({ ...message, action: 'archive' as const }))
    expect(await client.settle('medley', { settlements })).toMatchObject({ lost: [] })
  })

  it('says on the same round trip when the next one is due, when it finds none', async () => {
    await client.create('waiting')
    const empty = await client.read('waiting', { count: 1, leaseMs: 1000 })
    expect(empty).toMatchObject({ messages: [], next: { nextDueInMs: null, newestId: null } })
    expect(Math.abs(empty.readAt - Date.now())).toBeLessThan(5000)
    const id = await client.send('waiting', 1, { delayMs: 60_000 })
    const { next } = await client.read('waiting', { count: 1, leaseMs: 1000 })
    expect(next?.newestId).toBe(id)
    expect(next?.nextDueInMs).toBeGreaterThan(55_000)
    expect(next?.nextDueInMs).toBeLessThanOrEqual(60_000)
    await client.send('waiting', 2, { delayMs: 90 * 60_000 })
    await database.query('delete from pgmq.q_waiting where msg_id = 1')
    expect((await client.probe('waiting')).nextDueInMs).toBe(3_600_000)
    await database.query(`update pgmq.q_waiting set vt = 'infinity'`)
    expect((await client.probe('waiting')).nextDueInMs).toBe(3_600_000)
    expect((await client.read('waiting', { count: 1, leaseMs: 1000 })).next?.nextDueInMs).toBe(3_600_000)
    await database.query(`update pgmq.q_waiting set vt = '-infinity'`)
    expect((await client.probe('waiting')).nextDueInMs).toBe(-3_600_000)
    const read = await client.read('waiting', { count: 1, leaseMs: 1000 })
    expect(read.messages).toMatchObject([{ payload: 2, dueAt: 0 }])
  })

  it('gives each message to one of many readers', async () => {
    await client.create('shared')
    await client.sendMany(
      'shared',
      Array.from({ length: 200 }, (_, payload) => ({ payload })),
    )
    const wide = createQueueClient({ connectionString: database.url, maxConnections: 10 })
    const reads = await Promise.all(
      Array.from({ length: 20 }, () => wide.read('shared', { count: 15, leaseMs: 60_000 })),
    )
    await wide.close()
    const seen = reads.flatMap(({ messages }) => messages.map(({ payload }) => payload as number))
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => n))
  })

  it.each([
    ['count 0', { count: 0, leaseMs: 1000 }],
    ['half a message', { count: 1.5, leaseMs: 1000 }],
    ['too many', { count: 10_001, leaseMs: 1000 }],
    ['no lease', { count: 1, leaseMs: 0 }],
    ['a day of lease', { count: 1, leaseMs: 86_400_000 }],
  ])('refuses %s', async (_, options) => {
    expect(await failureOf(client.read('leasing', options))).toMatchObject({ code: 'queue/invalid-input' })
  })
})
