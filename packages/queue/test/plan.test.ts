import type { Settlement } from '@aimq/events'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { createQueueClient, type QueueClient } from '../src/index.ts'
import { createDatabase, leaseOf, type TestDatabase } from './database.ts'

let database: TestDatabase
let client: QueueClient
let explain = false
let plans: string[] = []
let entriesWalked = 0

// Every statement of the client is explained on its way, and the buffers it touched are counted.
beforeAll(async () => {
  database = await createDatabase()
  client = createQueueClient({
    client: {
      async query(text, values) {
        if (explain && text.includes('q_crowded')) {
          const session = await database.pool.connect()
          await session.query('begin')
          const { rows } = await session.query(
            `explain (analyze, buffers, costs off, timing off) ${text}`,
            values,
          )
          const walked = await entriesWalkedBy(session)
          await session.query('rollback')
          // The counts of a session go on from statement to statement: the next one has to have another.
          session.release(true)
          entriesWalked = walked
          plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
        }
        return database.pool.query(text, values)
      },
    },
  })
  await client.create('crowded')
  await database.query(
    `insert into pgmq.q_crowded (vt, message) select now() + interval '1 hour', to_jsonb(n) from generate_series(1, 50000) as n`,
  )
})

afterEach(() => {
  vi.useRealTimers()
})

afterAll(async () => {
  await client.close()
  await database[Symbol.asyncDispose]()
})

/** Entries of the indexes on `vt` that this session has walked over, dead ones included. */
async function entriesWalkedBy(session: { query: TestDatabase['pool']['query'] }): Promise<number> {
  const { rows } = await session.query<{ walked: string }>(
    `select sum(pg_stat_get_xact_tuples_returned(oid)) as walked from pg_class where relname ~ '^q_crowded.*_vt_idx$'`,
  )
  return Number(rows[0]?.walked)
}

function buffersOf(plan: string): number {
  // The first line with buffers is the top node, which includes all below it.
  const [, hit, read] = /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(plan) ?? []
  expect(hit ?? read, plan).toBeDefined()
  return Number(hit ?? 0) + Number(read ?? 0)
}

async function planOf(call: () => Promise<unknown>): Promise<string> {
  plans = []
  explain = true
  await call().finally(() => {
    explain = false
  })
  const plan = plans.at(-1)
  if (plan === undefined) throw new Error('expected the call to send a statement')
  return plan
}

it.each([
  ['never analysed', ''],
  ['analysed', 'analyze pgmq.q_crowded'],
])('costs what is ready and not what is delayed: %s', async (_, prepare) => {
  if (prepare !== '') await database.query(prepare)
  const read = () => client.read('crowded', { count: 10, leaseMs: 60_000 })

  const empty = await planOf(read)
  expect(empty).toContain('q_crowded_vt_idx')
  expect(empty).not.toContain('Seq Scan')
  expect(buffersOf(empty)).toBeLessThan(60)

  await client.send('crowded', 'ready')
  const one = await planOf(read)
  expect(one).not.toContain('Seq Scan')
  expect(buffersOf(one)).toBeLessThan(80)

  const probe = await planOf(() => client.probe('crowded'))
  expect(buffersOf(probe)).toBeLessThan(20)
})

it('settles by the primary key, few and many', async () => {
  await database.query(`update pgmq.q_crowded set vt = now() - interval '1 minute' where msg_id <= 300`)
  const { messages } = await client.read('crowded', { count: 300, leaseMs: 60_000 })
  const settle = (count: number) =>
    planOf(() =>
      client.settle('crowded', {
        settlements: messages.slice(0, count).map((message, n) => ({
          id: message.id,
          readCount: message.readCount,
          enqueuedAt: message.enqueuedAt,
          ...(n % 3 === 0
            ? { action: 'release', delayMs: 1e6 }
            : { action: n % 3 === 1 ? 'archive' : 'delete' }),
        })),
        read: { count: 5, leaseMs: 1000 },
      }),
    )
  for (const count of [1, 100]) {
    const plan = await settle(count)
    expect(plan).not.toContain('Seq Scan on q_crowded')
    expect(buffersOf(plan)).toBeLessThan(100 + 60 * count)
  }
  const extend = await planOf(() => client.extend('crowded', { leases: messages.slice(200), leaseMs: 1000 }))
  expect(extend).not.toContain('Seq Scan on q_crowded')
})

it('settles by the primary key in a queue of middling size too, where a scan looks cheap', async () => {
  await client.create('crowded_little')
  await client.sendMany(
    'crowded_little',
    Array.from({ length: 3000 }, (_, payload) => ({ payload })),
  )
  await database.query('analyze pgmq.q_crowded_little')
  const { messages } = await client.read('crowded_little', { count: 4, leaseMs: 60_000 })
  const [first, second, third, fourth] = messages.map(leaseOf)
  if (!first || !second || !third || !fourth) throw new Error('expected four messages')
  const settlements: Settlement[] = [
    { ...first, action: 'archive' },
    { ...second, action: 'delete' },
    { ...third, action: 'release', delayMs: 1000 },
  ]
  for (const settlement of settlements) {
    const plan = await planOf(() => client.settle('crowded_little', { settlements: [settlement] }))
    expect(plan, settlement.action).not.toContain('Seq Scan on q_crowded')
    expect(buffersOf(plan), plan).toBeLessThan(60)
  }
  const plan = await planOf(() => client.extend('crowded_little', { leases: [fourth], leaseMs: 1000 }))
  expect(plan).not.toContain('Seq Scan on q_crowded')
})

/** What `work` answers while a peer has read `count` messages, and has not committed yet. */
async function besidePeer<Result>(
  queue: string,
  count: number,
  work: () => Promise<Result>,
): Promise<Result> {
  const peer = await database.pool.connect()
  try {
    await peer.query('begin')
    await peer.query('select from pgmq.read($1, 60, $2)', [queue, count])
    return await work()
  } finally {
    await peer.query('rollback')
    peer.release()
  }
}

it.each([
  ['last of all', 'select 1'],
  ['before others that are done', 'select pg_current_xact_id()'],
])(
  'works a backlog past what a peer is just reading, and tries none of its locks: one that began %s',
  async (_, since) => {
    // The next read from the bottom is put off by time alone.
    vi.useFakeTimers({ toFake: ['performance'] })
    await client.create('crowded_peers')
    await database.query(
      `insert into pgmq.q_crowded_peers (vt, message)
     select now() - interval '1 second' + n * interval '1 millisecond', to_jsonb(n) from generate_series(1, 500) as n`,
    )
    let ids: readonly string[] = []
    const readOn = () =>
      planOf(async () => {
        const { read } = await client.settle('crowded_peers', {
          settlements: [],
          read: { count: 2, leaseMs: 60_000 },
        })
        ids = (read?.messages ?? []).map(({ id }) => id)
      })
    await readOn()
    await readOn()
    const further = await besidePeer('crowded_peers', 400, async () => {
      await database.query(since)
      return readOn()
    })
    await client.drop('crowded_peers')
    expect(ids).toEqual(['405', '406'])
    expect(further).toContain('Rows Removed by Filter: 400')
  },
)

it('tries all locks from the bottom', async () => {
  await client.create('crowded_bottom')
  await client.sendMany(
    'crowded_bottom',
    Array.from({ length: 20 }, (_, payload) => ({ payload })),
  )
  const read = () => client.read('crowded_bottom', { count: 5, leaseMs: 60_000 })
  const plan = await besidePeer('crowded_bottom', 10, () => planOf(read))
  expect(plan).toContain('LockRows')
  expect(plan).not.toContain('Rows Removed by Filter')
})

it('asks no xmax of a table that is no heap, and may have none', async () => {
  await client.create('crowded_elsewhere')
  await database.query('create access method elsewhere type table handler heap_tableam_handler')
  await database.query('alter table pgmq.q_crowded_elsewhere set access method elsewhere')
  await client.send('crowded_elsewhere', 1)
  const read = () => client.read('crowded_elsewhere', { count: 1, leaseMs: 1 })
  expect(await planOf(read)).not.toContain('xmax')
  expect(await planOf(() => client.read('crowded', { count: 1, leaseMs: 1 }))).toContain('xmax')
})

it.each([
  ['never analysed', 'select'],
  ['analysed when it was empty', 'analyze pgmq.q_crowded_backlog'],
  [
    'analysed when it had other messages',
    `insert into pgmq.q_crowded_backlog (vt, message)
       select now() - interval '1 week' + n * interval '1 second', to_jsonb(n) from generate_series(1, 20000) as n;
     analyze pgmq.q_crowded_backlog;
     truncate pgmq.q_crowded_backlog`,
  ],
])(
  'does not walk over what was worked with each read, even when a transaction left open keeps every vacuum away: %s',
  async (_, prepare) => {
    const batch = 50
    const reads = 40
    await client.create('crowded_backlog')
    await database.query(prepare)
    await database.query(
      `insert into pgmq.q_crowded_backlog (vt, message)
     select clock_timestamp() - n * interval '1 millisecond', to_jsonb(n) from generate_series($1::int, 1, -1) as n`,
      [batch * reads],
    )
    const open = await database.pool.connect()
    await open.query('begin isolation level repeatable read')
    await open.query('select from pg_class limit 1')
    const walked: number[] = []
    let settlements: Settlement[] = []
    for (let n = 0; n < reads; n++) {
      await planOf(async () => {
        const { read } = await client.settle('crowded_backlog', {
          settlements,
          read: { count: batch, leaseMs: 60_000 },
        })
        settlements = (read?.messages ?? []).map((message) => ({ ...leaseOf(message), action: 'delete' }))
      })
      expect(settlements).toHaveLength(batch)
      walked.push(entriesWalked)
    }
    await open.query('rollback')
    open.release()
    await client.drop('crowded_backlog')
    // Some begin at the bottom, but they take a tenth of the time at most.
    const typical = walked.slice(-20).sort((a, b) => a - b)[10]
    expect(typical, walked.join(' ')).toBeLessThan(8 * batch)
  },
)
