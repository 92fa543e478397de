import type { LeasedMessage, Settlement } from '@aimq/events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createQueueClient, type QueueClient } from '../src/index.ts'
import { createDatabase, failureOf, leaseOf, recordingLogger, type TestDatabase } from './database.ts'

let database: TestDatabase
let client: QueueClient

beforeAll(async () => {
  database = await createDatabase()
  client = createQueueClient({ connectionString: database.url, logger: recordingLogger() })
})

afterAll(async () => {
  await client.close()
  await database[Symbol.asyncDispose]()
})

async function take(queue: string, count = 1): Promise<LeasedMessage[]> {
  const { messages } = await client.read(queue, { count, leaseMs: 60_000 })
  expect(messages).toHaveLength(count)
  return [...messages]
}

function dead(message: LeasedMessage, deadLetterQueue: string, extra: object = {}): Settlement {
  return { ...leaseOf(message), action: 'dead-letter', deadLetterQueue, reason: 'out of attempts', ...extra }
}

describe('a dead letter', () => {
  it('moves in one statement, says where it came from and why, and makes the missing queue', async () => {
    await client.create('jobs')
    const id = await client.send('jobs', { n: 1 }, { headers: { trace: 't' } })
    const [message] = (await take('jobs')) as [LeasedMessage]
    const error = { code: 'Error', message: 'no luck' }
    const { lost, deadLettered } = await client.settle('jobs', {
      settlements: [
        dead(message, 'jobs_dlq', { headers: { 'x-aimq-last-error': error, 'x-aimq-failures': 3 } }),
      ],
    })
    expect(lost).toEqual([])
    expect(deadLettered).toEqual([
      { queue: 'jobs', id, deadLetterQueue: 'jobs_dlq', deadLetterId: '1', reason: 'out of attempts' },
    ])
    expect(await client.peek('jobs')).toEqual([])
    const [letter] = await client.peek('jobs_dlq')
    expect(letter).toMatchObject({ id: '1', readCount: 0, payload: { n: 1 } })
    const { deadLetteredAt, ...header } = (letter?.headers?.['x-aimq-dead-letter'] ?? {}) as Record<
      string,
      unknown
    >
    expect(header).toEqual({
      queue: 'jobs',
      id,
      readCount: 1,
      enqueuedAt: message.enqueuedAt,
      reason: 'out of attempts',
      error,
    })
    expect(deadLetteredAt).toBeGreaterThan(message.dueAt)
    expect(letter?.headers).toMatchObject({ trace: 't', 'x-aimq-last-error': error, 'x-aimq-failures': 3 })
  })

  it('pairs each with its id over there, for several queues of dead letters at once', async () => {
    await client.create('pairs')
    await client.create('pairs_a')
    await client.create('pairs_b')
    await client.sendMany(
      'pairs',
      Array.from({ length: 20 }, (_, n) => ({ payload: n })),
    )
    const held = await take('pairs', 20)
    const shuffled = [...held].reverse()
    const { deadLettered } = await client.settle('pairs', {
      settlements: shuffled.map((message, n) => dead(message, n % 2 === 0 ? 'pairs_a' : 'pairs_b')),
    })
    expect(deadLettered).toHaveLength(20)
    for (const { id, deadLetterQueue, deadLetterId } of deadLettered) {
      const letters = await client.peek(deadLetterQueue)
      const payload = held.find((message) => message.id === id)?.payload
      expect(letters.find((letter) => letter.id === deadLetterId)?.payload).toBe(payload)
    }
  })

  it('happens once, however many workers try, and leaves the message in exactly one queue', async () => {
    await client.create('once')
    await client.create('once_dlq')
    await client.sendMany(
      'once',
      Array.from({ length: 30 }, (_, n) => ({ payload: n })),
    )
    const held = await take('once', 30)
    const wide = createQueueClient({ connectionString: database.url, maxConnections: 8 })
    const results = await Promise.all(
      Array.from({ length: 8 }, () =>
        wide.settle('once', { settlements: held.map((message) => dead(message, 'once_dlq')) }),
      ),
    )
    await wide.close()
    expect(results.flatMap(({ deadLettered }) => deadLettered)).toHaveLength(30)
    expect(results.flatMap(({ lost }) => lost)).toHaveLength(7 * 30)
    const letters = await client.peek('once_dlq', { limit: 100 })
    expect(letters.map(({ payload }) => payload as number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 30 }, (_, n) => n),
    )
    expect(await client.peek('once')).toEqual([])
  })

  it('stays where it is when the move fails, while the others are still settled', async () => {
    await client.create('blocked')
    await client.create('blocked_dlq')
    await database.query(`alter table pgmq.q_blocked_dlq add constraint never check (false)`)
    await client.sendMany('blocked', [{ payload: 'bad' }, { payload: 'good' }, { payload: 'next' }])
    const [bad, good] = (await take('blocked', 2)) as [LeasedMessage, LeasedMessage]
    const error = await failureOf(
      client.settle('blocked', {
        settlements: [dead(bad, 'blocked_dlq'), { ...good, action: 'archive' }],
        read: { count: 5, leaseMs: 60_000 },
      }),
    )
    expect(error).toMatchObject({ code: 'queue/database-failed' })
    const left = await client.peek('blocked')
    expect(left.map(({ payload, readCount }) => [payload, readCount])).toEqual([
      ['bad', 1],
      ['next', 0],
    ])
    expect(await client.peek('blocked', { archived: true })).toHaveLength(1)
  })
})

describe('redrive', () => {
  it('sends letters back to where each came from, as new messages without our headers', async () => {
    for (const queue of ['left', 'right', 'common_dlq']) await client.create(queue)
    for (const queue of ['left', 'right']) {
      await client.send(queue, { from: queue }, { headers: { trace: queue } })
      const [message] = (await take(queue)) as [LeasedMessage]
      await client.settle(queue, {
        settlements: [dead(message, 'common_dlq', { headers: { 'x-aimq-failures': 10 } })],
      })
    }
    expect(await client.redrive('common_dlq')).toEqual({
      count: 2,
      targets: [
        { queue: 'left', count: 1 },
        { queue: 'right', count: 1 },
      ],
    })
    expect(await client.peek('common_dlq')).toEqual([])
    for (const queue of ['left', 'right']) {
      expect(await take(queue)).toMatchObject([
        { id: '2', readCount: 1, payload: { from: queue }, headers: { trace: queue } },
      ])
      expect(Object.keys((await client.peek(queue))[0]?.headers ?? {})).toEqual(['trace'])
    }
  })

  it('takes a target, ids and a limit', async () => {
    for (const queue of ['wishes', 'wishes_dlq', 'elsewhere']) await client.create(queue)
    await client.sendMany(
      'wishes',
      Array.from({ length: 6 }, (_, n) => ({ payload: n })),
    )
    const held = await take('wishes', 6)
    await client.settle('wishes', { settlements: held.map((message) => dead(message, 'wishes_dlq')) })
    expect(await client.redrive('wishes_dlq', { to: 'elsewhere', limit: 2 })).toMatchObject({ count: 2 })
    expect((await client.peek('elsewhere')).map(({ payload }) => payload)).toEqual([0, 1])
    expect(await client.redrive('wishes_dlq', { ids: ['4', '6', '999'] })).toMatchObject({ count: 2 })
    expect((await client.peek('wishes')).map(({ payload }) => payload)).toEqual([3, 5])
    expect(await client.redrive('wishes_dlq', { limit: 1 })).toMatchObject({ count: 1 })
    expect((await client.peek('wishes_dlq')).map(({ payload }) => payload)).toEqual([4])
    expect(await client.redrive('wishes_dlq')).toMatchObject({ count: 1 })
    expect(await client.redrive('wishes_dlq')).toEqual({ count: 0, targets: [] })
  })

  it('moves thousands, and leaves what is dead-lettered meanwhile', async () => {
    for (const queue of ['bulk', 'bulk_dlq']) await client.create(queue)
    const origin = { 'x-aimq-dead-letter': { queue: 'bulk' } }
    await database.query(
      `insert into pgmq.q_bulk_dlq (vt, message, headers) select now(), to_jsonb(n), $1 from generate_series(1, 2500) as n`,
      [origin],
    )
    // Each arrival over there makes a new letter: an endless supply for a redrive that does not know where to stop.
    await database.query(`create function chase() returns trigger language plpgsql as $$ begin
      insert into pgmq.q_bulk_dlq (vt, message, headers) values (now(), new.message, '{"x-aimq-dead-letter": {"queue": "bulk"}}');
      return null; end $$`)
    await database.query(
      'create trigger chase after insert on pgmq.q_bulk for each row execute function chase()',
    )
    expect(await client.redrive('bulk_dlq')).toMatchObject({ count: 2500 })
    expect(await client.metrics('bulk')).toMatchObject({ total: 2500 })
    expect(await client.metrics('bulk_dlq')).toMatchObject({ total: 2500 })
  })

  it('leaves letters whose header names no queue, and sends the others', async () => {
    await client.create('honest')
    await client.create('mixed_dlq')
    for (const origin of ['honest', 'a"; drop table pgmq.meta; --', 'Honest', 'mixed_dlq'])
      await database.query(
        `insert into pgmq.q_mixed_dlq (vt, message, headers)
         values (now(), '1', jsonb_build_object('x-aimq-dead-letter', jsonb_build_object('queue', $1::text)))`,
        [origin],
      )
    expect(await client.redrive('mixed_dlq')).toMatchObject({ count: 1, targets: [{ queue: 'honest' }] })
    expect((await client.metrics('mixed_dlq')).total).toBe(3)
  })

  it('says so when nothing tells where to', async () => {
    for (const queue of ['strays', 'elsewhere']) await client.create(queue)
    await client.send('strays', 1)
    const error = await failureOf(client.redrive('strays'))
    expect(error).toMatchObject({ code: 'queue/invalid-input' })
    expect(error.message).toContain('say where to send them with "to"')
    expect(await failureOf(client.redrive('strays', { to: 'strays' }))).toMatchObject({
      code: 'queue/invalid-input',
    })
    expect(await failureOf(client.redrive('strays', { to: 'nowhere' }))).toMatchObject({
      code: 'queue/not-found',
    })
    expect(await client.redrive('strays', { to: 'elsewhere' })).toMatchObject({ count: 1 })
  })
})
