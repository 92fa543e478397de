import type { LeasedMessage, Settlement } from '@aimq/events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createQueueClient, type QueueClient } from '../src/index.ts'
import { createDatabase, failureOf, leaseOf, type TestDatabase } from './database.ts'

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

/** A queue of its own with `count` messages in hand. */
async function inHand(count: number): Promise<{ queue: string; held: LeasedMessage[] }> {
  counter += 1
  const queue = `settling_${counter}`
  await client.create(queue)
  await client.sendMany(
    queue,
    Array.from({ length: count }, (_, n) => ({ payload: { n }, headers: { sent: n } })),
  )
  const { messages } = await client.read(queue, { count, leaseMs: 60_000 })
  expect(messages).toHaveLength(count)
  return { queue, held: [...messages] }
}

const idsIn = async (table: string): Promise<string[]> =>
  (await database.query<{ id: string }>(`select msg_id::text as id from pgmq.${table} order by msg_id`)).map(
    (row) => row.id,
  )

describe('settle', () => {
  it('counts on a message whose headers some other program made no object', async () => {
    const { queue, held } = await inHand(3)
    const foreign = ['[]', '"text"', 'null']
    for (const [n, headers] of foreign.entries()) {
      await database.query(`update pgmq.q_${queue} set headers = $1::jsonb where msg_id = $2`, [
        headers,
        held[n]?.id,
      ])
    }
    const settlements = held.map((message) => ({
      ...leaseOf(message),
      action: 'release' as const,
      delayMs: 0,
      headers: { 'x-aimq-failures': 1 },
    }))
    expect((await client.settle(queue, { settlements })).lost).toEqual([])
    const { messages } = await client.read(queue, { count: 3, leaseMs: 60_000 })
    expect(messages.map(({ headers }) => headers)).toEqual(foreign.map(() => ({ 'x-aimq-failures': 1 })))
    const dead = messages.map((message) => ({
      ...leaseOf(message),
      action: 'dead-letter' as const,
      deadLetterQueue: `${queue}_dlq`,
      reason: 'test',
    }))
    await database.query(`update pgmq.q_${queue} set headers = '[]'`)
    expect((await client.settle(queue, { settlements: dead })).lost).toEqual([])
    await database.query(
      `update pgmq.q_${queue}_dlq set headers = jsonb_build_array(headers) where msg_id = 1`,
    )
    expect(await client.redrive(`${queue}_dlq`, { to: queue })).toMatchObject({ count: 3 })
  })

  it('archives, deletes and releases in one round trip, and reads what is next', async () => {
    const { queue, held } = await inHand(3)
    const [first, second, third] = held as [LeasedMessage, LeasedMessage, LeasedMessage]
    const fresh = await client.send(queue, 'next')
    const { lost, read, deadLettered } = await client.settle(queue, {
      settlements: [
        { ...first, action: 'archive' },
        { ...second, action: 'delete' },
        { ...leaseOf(third), action: 'release', delayMs: 0, headers: { 'x-aimq-failures': 1 } },
      ],
      read: { count: 10, leaseMs: 60_000 },
    })
    expect({ lost, deadLettered }).toEqual({ lost: [], deadLettered: [] })
    // What was released at once is read by the next call, never by the one that released it.
    expect(read?.messages.map(({ id }) => id)).toEqual([fresh])
    expect(read?.next).toBeNull()
    expect(await idsIn(`a_${queue}`)).toEqual([first.id])
    expect(await idsIn(`q_${queue}`)).toEqual([third.id, fresh])
    const again = await client.read(queue, { count: 10, leaseMs: 60_000 })
    expect(again.messages).toMatchObject([
      { id: third.id, readCount: 2, headers: { sent: 2, 'x-aimq-failures': 1 } },
    ])
    const [archived] = await client.peek(queue, { archived: true })
    expect(archived).toMatchObject({ id: first.id, payload: { n: 0 }, headers: { sent: 0 }, readCount: 1 })
    expect(archived?.archivedAt).toBeGreaterThan(0)
  })

  it('counts what it settled itself in the probe it answers with', async () => {
    const { queue, held } = await inHand(3)
    const [first, second, third] = held as [LeasedMessage, LeasedMessage, LeasedMessage]
    const releasing = await client.settle(queue, {
      settlements: [
        { ...leaseOf(first), action: 'release', delayMs: 5000 },
        { ...third, action: 'delete' },
      ],
      read: { count: 1, leaseMs: 1000 },
    })
    expect(releasing.read?.messages).toEqual([])
    expect(releasing.read?.next?.nextDueInMs).toBeGreaterThan(4000)
    expect(releasing.read?.next?.nextDueInMs).toBeLessThanOrEqual(5000)
    expect(releasing.read?.next?.newestId).toBe(second.id)
    const rest = await client.read(queue, { count: 1, leaseMs: 1000 })
    expect(rest.messages).toEqual([])
    await database.query(`delete from pgmq.q_${queue} where msg_id = $1`, [first.id])
    const ending = await client.settle(queue, {
      settlements: [{ ...second, action: 'archive' }],
      read: { count: 1, leaseMs: 1000 },
    })
    expect(ending.read).toMatchObject({ messages: [], next: { nextDueInMs: null, newestId: null } })
  })

  it('never reads in the same statement what it settled, even with a lease that ran out', async () => {
    const { queue, held } = await inHand(1)
    await database.query(`update pgmq.q_${queue} set vt = clock_timestamp() - interval '1 minute'`)
    const [only] = held as [LeasedMessage]
    const { lost, read } = await client.settle(queue, {
      settlements: [{ ...leaseOf(only), action: 'release', delayMs: 0 }],
      read: { count: 5, leaseMs: 60_000 },
    })
    expect(lost).toEqual([])
    expect(read?.messages).toEqual([])
    expect(read?.next?.nextDueInMs).toBeLessThanOrEqual(0)
    expect((await client.read(queue, { count: 5, leaseMs: 1000 })).messages).toMatchObject([{ readCount: 2 }])
  })

  it('answers with what was lost: gone already, or read by another since', async () => {
    const { queue, held } = await inHand(4)
    const [gone, stale, done, fine] = held as [LeasedMessage, LeasedMessage, LeasedMessage, LeasedMessage]
    await database.query(`delete from pgmq.q_${queue} where msg_id = $1`, [gone.id])
    await database.query(`update pgmq.q_${queue} set read_ct = read_ct + 1 where msg_id in ($1, $2)`, [
      stale.id,
      done.id,
    ])
    const before = await database.query(`select * from pgmq.q_${queue} where msg_id = $1`, [stale.id])
    const { lost } = await client.settle(queue, {
      settlements: [
        { ...gone, action: 'archive' },
        { ...leaseOf(stale), action: 'release', delayMs: 1 },
        { ...done, action: 'archive' },
        { ...fine, action: 'delete' },
      ],
    })
    expect(lost).toEqual([gone.id, stale.id])
    expect(await database.query(`select * from pgmq.q_${queue} where msg_id = $1`, [stale.id])).toEqual(
      before,
    )
    // The work is done, whoever holds the lease now.
    expect(await idsIn(`a_${queue}`)).toEqual([done.id])
  })

  it('touches nothing of a queue that was dropped and made anew under the same name and ids', async () => {
    const { queue, held } = await inHand(5)
    await client.drop(queue)
    await client.create(queue)
    await client.sendMany(
      queue,
      Array.from({ length: 5 }, () => ({ payload: 'new' })),
    )
    await client.read(queue, { count: 5, leaseMs: 60_000 })
    const before = await database.query(`select * from pgmq.q_${queue} order by msg_id`)
    const actions: ((message: LeasedMessage) => Settlement)[] = [
      (message) => ({ ...message, action: 'archive' }),
      (message) => ({ ...message, action: 'delete' }),
      (message) => ({ ...leaseOf(message), action: 'release', delayMs: 0 }),
      (message) => ({
        ...leaseOf(message),
        action: 'dead-letter',
        deadLetterQueue: `${queue}_dlq`,
        reason: 'stale',
      }),
    ]
    const { lost, deadLettered } = await client.settle(queue, {
      settlements: actions.map((action, n) => action(held[n] as LeasedMessage)),
    })
    expect([...lost].sort()).toEqual(held.slice(0, 4).map(({ id }) => id))
    expect(deadLettered).toEqual([])
    expect((await client.extend(queue, { leases: held, leaseMs: 90_000 })).lost).toEqual(
      held.map(({ id }) => id),
    )
    expect(await database.query(`select * from pgmq.q_${queue} order by msg_id`)).toEqual(before)
    expect(await idsIn(`a_${queue}`)).toEqual([])
    expect(await idsIn(`q_${queue}_dlq`)).toEqual([])
  })

  it('settles five hundred at once', async () => {
    const { queue, held } = await inHand(500)
    const { lost } = await client.settle(queue, {
      settlements: held.map((message, n) => ({ ...message, action: n % 2 === 0 ? 'archive' : 'delete' })),
    })
    expect(lost).toEqual([])
    expect(await client.metrics(queue)).toMatchObject({ total: 0, archived: 250 })
  })

  it('completes a message whose copy is in the archive already', async () => {
    const { queue, held } = await inHand(1)
    await database.query(
      `insert into pgmq.a_${queue} (msg_id, vt, message) select msg_id, vt, '"copy"' from pgmq.q_${queue}`,
    )
    const { lost } = await client.settle(queue, {
      settlements: held.map((message) => ({ ...message, action: 'archive' })),
    })
    expect(lost).toEqual([])
    expect(await idsIn(`q_${queue}`)).toEqual([])
  })

  it('refuses what makes no sense before any SQL', async () => {
    const lease = { id: '1', readCount: 1, enqueuedAt: 1 }
    const refused: unknown[] = [
      { ...lease, action: 'explode' },
      { ...lease, id: '1; drop table', action: 'archive' },
      { ...lease, id: 1, action: 'archive' },
      { ...lease, readCount: Number.NaN, action: 'archive' },
      { ...lease, enqueuedAt: undefined, action: 'archive' },
      { ...lease, action: 'release', delayMs: -5 },
      { ...lease, action: 'dead-letter', deadLetterQueue: 'missing_queue', reason: 'itself' },
      { ...lease, action: 'dead-letter', deadLetterQueue: 'other', reason: 7 },
    ]
    for (const settlement of refused) {
      const error = await failureOf(
        client.settle('missing_queue', { settlements: [settlement as Settlement] }),
      )
      expect(error, JSON.stringify(settlement)).toMatchObject({ code: 'queue/invalid-input' })
    }
    const twice = { ...lease, action: 'archive' } as const
    expect(await failureOf(client.settle('missing_queue', { settlements: [twice, twice] }))).toMatchObject({
      code: 'queue/invalid-input',
    })
  })
})

describe('extend', () => {
  it('renews the leases that are still ours and names the others', async () => {
    const { queue, held } = await inHand(3)
    await database.query(`update pgmq.q_${queue} set read_ct = 9 where msg_id = $1`, [held[1]?.id])
    const before = await database.query(`select vt from pgmq.q_${queue} where msg_id = $1`, [held[1]?.id])
    const { lost } = await client.extend(queue, { leases: held, leaseMs: 3_600_000 })
    expect(lost).toEqual([held[1]?.id])
    const rows = await database.query<{ id: string; wait: number }>(
      `select msg_id::text as id, extract(epoch from vt - clock_timestamp())::float8 as wait from pgmq.q_${queue} where msg_id <> $1`,
      [held[1]?.id],
    )
    expect(rows).toHaveLength(2)
    for (const { wait } of rows) expect(wait).toBeGreaterThan(3500)
    expect(await database.query(`select vt from pgmq.q_${queue} where msg_id = $1`, [held[1]?.id])).toEqual(
      before,
    )
  })

  it('asks nothing for no leases', async () => {
    expect(await client.extend('not_there', { leases: [], leaseMs: 1000 })).toEqual({ lost: [] })
  })
})
