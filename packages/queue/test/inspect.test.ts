import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createQueueClient, type QueueClient } from '../src/index.ts'
import { createDatabase, failureOf, type TestDatabase } from './database.ts'

let database: TestDatabase
let client: QueueClient

beforeAll(async () => {
  database = await createDatabase()
  client = createQueueClient({ connectionString: database.url, maxConnections: 10 })
})

afterAll(async () => {
  await client.close()
  await database[Symbol.asyncDispose]()
})

describe('create and drop', () => {
  it('say whether they did anything', async () => {
    expect(await client.create('coming')).toEqual({ created: true })
    expect(await client.create('coming')).toEqual({ created: false })
    expect(await client.drop('coming')).toEqual({ dropped: true })
    expect(await client.drop('coming')).toEqual({ dropped: false })
  })

  it('may be called by ten at once', async () => {
    await Promise.all(Array.from({ length: 10 }, () => client.create('crowded')))
    expect(await client.send('crowded', 1)).toBe('1')
    const drops = await Promise.all(Array.from({ length: 5 }, () => client.drop('crowded')))
    expect(drops.some(({ dropped }) => dropped)).toBe(true)
  })

  it('notice a queue that comes and goes behind their back', async () => {
    await client.create('flicker')
    await client.send('flicker', 1)
    await database.query(`select pgmq.drop_queue('flicker')`)
    expect(await failureOf(client.send('flicker', 2))).toMatchObject({ code: 'queue/not-found' })
    await database.query(`select pgmq.create('flicker')`)
    expect(await client.send('flicker', 3)).toBe('1')
  })

  it('name pg_partman when a partitioned queue needs it', async () => {
    const error = await failureOf(client.create('slices', { partitioned: { partitionInterval: '1 day' } }))
    expect(error).toMatchObject({ code: 'queue/partman-missing' })
    expect(error.message).toContain('create extension pg_partman')
    expect(
      await failureOf(client.create('slices', { partitioned: { partitionInterval: `1'; drop` } })),
    ).toMatchObject({ code: 'queue/invalid-input' })
  })
})

describe('a partitioned queue', () => {
  it('is worked like any other', async () => {
    // The shape pgmq gives it, with one partition made by hand: pg_partman is what makes them in earnest.
    await database.query(`
      create table pgmq.q_sliced (msg_id bigint generated always as identity, read_ct int default 0 not null,
        enqueued_at timestamptz default now() not null, last_read_at timestamptz, vt timestamptz not null,
        message jsonb, headers jsonb) partition by range (msg_id);
      create table pgmq.q_sliced_p0 partition of pgmq.q_sliced for values from (0) to (10000);
      create table pgmq.a_sliced (msg_id bigint not null, read_ct int default 0 not null,
        enqueued_at timestamptz default now() not null, last_read_at timestamptz,
        archived_at timestamptz default now() not null, vt timestamptz not null, message jsonb, headers jsonb)
        partition by range (msg_id);
      create table pgmq.a_sliced_p0 partition of pgmq.a_sliced for values from (0) to (10000);
      insert into pgmq.meta (queue_name, is_partitioned, is_unlogged) values ('sliced', true, false)`)
    await client.install()
    expect((await client.list()).find(({ queue }) => queue === 'sliced')).toMatchObject({ partitioned: true })
    await client.sendMany('sliced', [{ payload: 1 }, { payload: 2 }, { payload: 3, idempotencyKey: 'k' }])
    const { messages } = await client.read('sliced', { count: 3, leaseMs: 60_000 })
    const [one, two, three] = messages
    if (!one || !two || !three) throw new Error('expected three messages')
    expect((await client.extend('sliced', { leases: messages, leaseMs: 90_000 })).lost).toEqual([])
    const { lost } = await client.settle('sliced', {
      settlements: [
        { ...one, action: 'archive' },
        { ...two, action: 'delete' },
      ],
    })
    expect(lost).toEqual([])
    expect(await client.pruneArchive('sliced', { olderThanMs: 0 })).toEqual({ count: 1 })
    expect(await client.metrics('sliced')).toMatchObject({ total: 1, archived: 0 })
  })
})

describe('an unlogged queue', () => {
  it('is listed, may be dropped, and is refused everywhere else with the reason', async () => {
    await database.query(`select pgmq.create_unlogged('fast')`)
    expect((await client.list()).find(({ queue }) => queue === 'fast')).toMatchObject({ unlogged: true })
    const lease = { id: '1', readCount: 1, enqueuedAt: 1 }
    const calls = [
      client.send('fast', 1),
      client.read('fast', { count: 1, leaseMs: 1000 }),
      client.settle('fast', { settlements: [{ ...lease, action: 'delete' }] }),
      client.extend('fast', { leases: [lease], leaseMs: 1000 }),
      client.peek('fast'),
      client.probe('fast'),
      client.metrics('fast'),
      client.redrive('fast'),
      client.purge('fast'),
    ]
    for (const error of await Promise.all(calls.map(failureOf))) {
      expect(error).toMatchObject({ code: 'queue/unlogged', queue: 'fast' })
      expect(error.message).toMatch(/a crash .* lose its messages and start its ids again .* set logged/)
    }
    expect(await client.drop('fast')).toEqual({ dropped: true })
  })
})

describe('looking', () => {
  it('counts what is ready, leased, scheduled and archived', async () => {
    await client.create('counted')
    await client.sendMany('counted', [
      { payload: 1 },
      { payload: 2 },
      { payload: 3 },
      { payload: 4, delayMs: 60_000 },
    ])
    const { messages } = await client.read('counted', { count: 2, leaseMs: 60_000 })
    await client.settle('counted', {
      settlements: messages.slice(0, 1).map((message) => ({ ...message, action: 'archive' })),
    })
    await database.query(`update pgmq.q_counted set vt = now() - interval '10 seconds' where msg_id = 3`)
    const { oldestReadyMs, ...metrics } = await client.metrics('counted')
    expect(metrics).toEqual({ queue: 'counted', total: 3, ready: 1, leased: 1, scheduled: 1, archived: 1 })
    expect(oldestReadyMs).toBeGreaterThanOrEqual(10_000)
    expect(oldestReadyMs).toBeLessThan(30_000)
    await client.purge('counted')
    expect(await client.metrics('counted')).toMatchObject({ total: 0, oldestReadyMs: null, archived: 1 })
  })

  it('peeks page by page without leasing', async () => {
    await client.create('peeked')
    await client.sendMany(
      'peeked',
      Array.from({ length: 25 }, (_, payload) => ({ payload, delayMs: 1000 })),
    )
    const first = await client.peek('peeked')
    expect(first.map(({ payload }) => payload)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    const second = await client.peek('peeked', { afterId: first.at(-1)?.id ?? '', limit: 3 })
    expect(second.map(({ payload, readCount, archivedAt }) => [payload, readCount, archivedAt])).toEqual([
      [20, 0, null],
      [21, 0, null],
      [22, 0, null],
    ])
    await database.query(`update pgmq.q_peeked set vt = 'infinity'`)
    const [endless] = await client.peek('peeked', { limit: 1 })
    expect(JSON.parse(JSON.stringify(endless))).toEqual(endless)
    expect(await failureOf(client.peek('peeked', { limit: 0 }))).toMatchObject({
      code: 'queue/invalid-input',
    })
    expect(await failureOf(client.peek('peeked', { afterId: 'x' }))).toMatchObject({
      code: 'queue/invalid-input',
    })
  })

  it('says what the database can do', async () => {
    const capabilities = await client.capabilities()
    expect(capabilities).toMatchObject({
      partitioned: false,
      pgmqVersion: expect.stringMatching(/^1\.\d+\.\d+$/),
    })
    expect(capabilities.postgresVersion).toMatch(/^\d+\.\d+$/)
  })
})

describe('pruneArchive', () => {
  it('deletes the oldest of what is old enough, in batches', async () => {
    await client.create('history')
    await database.query(`insert into pgmq.a_history (msg_id, vt, archived_at, message)
      select n, now(), now() - n * interval '1 minute', to_jsonb(n) from generate_series(1, 12000) as n`)
    expect(await client.pruneArchive('history', { olderThanMs: 3_600_000, limit: 10 })).toEqual({ count: 10 })
    const [oldest] = await database.query('select max(msg_id)::int as id from pgmq.a_history')
    expect(oldest).toEqual({ id: 11_990 })
    expect(await client.pruneArchive('history', { olderThanMs: 3_600_000 })).toEqual({ count: 11_931 })
    expect((await client.metrics('history')).archived).toBe(59)
    expect(await failureOf(client.pruneArchive('history', { olderThanMs: -1 }))).toMatchObject({
      code: 'queue/invalid-input',
    })
  })
})
