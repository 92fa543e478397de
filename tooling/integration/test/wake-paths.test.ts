/*
 * Both wake-up paths, broken in every way while hints flow: the genuine realtime-js client, real sockets, a local
 * Realtime server backed by logical replication, and a real LISTEN session.
 */
import { type LocalRealtime, startRealtime } from '@aimq/embedded'
import { type Bus, createBus, silentLogger } from '@aimq/events'
import { nextFact, recordFacts } from '@aimq/events/testing'
import { type RealtimeOptions, realtime } from '@aimq/realtime'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
let server: LocalRealtime
let producer: pg.Client
beforeAll(async () => {
  database = await createDatabase()
  server = await startRealtime({ connectionString: database.url, joinErrorDelayMs: 50 })
  producer = new pg.Client({ connectionString: database.url })
  await producer.connect()
})
afterAll(async () => {
  await producer.end()
  await server.stop()
  await database[Symbol.asyncDispose]()
})

const healthy = (bus: Bus) =>
  nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy', 40_000)
const degraded = (bus: Bus) =>
  nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'degraded', 40_000)

const overSupabase = (more: object = {}): RealtimeOptions => ({
  supabase: {
    url: server.url,
    key: server.serviceRoleKey,
    connectionString: database.url,
    canaryIntervalMs: 1000,
    ...more,
  },
})

async function start(
  options: RealtimeOptions,
  until: (bus: Bus) => Promise<unknown> = healthy,
): Promise<Bus> {
  const bus = createBus({ logger: silentLogger })
  onTestFinished(() => bus.stop())
  const reached = until(bus)
  await bus.use(realtime(options))
  await reached
  return bus
}

/** As a database trigger does. */
const broadcast = (queue: string, isPrivate = true) =>
  producer.query(
    `select realtime.send(jsonb_build_object('queue', $1::text), 'job_enqueued', 'aimq:jobs', $2)`,
    [queue, isPrivate],
  )

async function hintComes(bus: Bus, queue: string): Promise<void> {
  const hint = nextFact(bus, 'job:enqueued', (fact) => fact.queue === queue)
  await broadcast(queue)
  await hint
}

describe('over Supabase Realtime', () => {
  it('hints come through a private topic, and the canary proves it', async () => {
    const bus = await start(overSupabase())
    const hint = nextFact(bus, 'job:enqueued')
    await producer.query(
      `select realtime.send('{"queue":"emails","count":2,"due_in_ms":60000,"v":1}', 'job_enqueued', 'aimq:jobs', true)`,
    )
    expect(await hint).toMatchObject({ queue: 'emails', count: 2, source: 'supabase' })
    expect(await bus.request('realtime:status', {})).toMatchObject({ health: 'healthy', leader: 'supabase' })
  })

  it('the public topic is heard when told so, the Python project’s broadcasts with it', async () => {
    const bus = await start(overSupabase({ private: false }))
    const hint = nextFact(bus, 'job:enqueued')
    await producer.query(
      `select realtime.send('{"queue":"emails","job_id":123}', 'job_enqueued', 'aimq:jobs', false)`,
    )
    expect(await hint).toMatchObject({ queue: 'emails', source: 'supabase' })
  })

  it('broadcasts by hand reach others', async () => {
    const [bus, other] = [await start(overSupabase()), await start(overSupabase())]
    const hint = nextFact(other, 'job:enqueued')
    expect(await bus.request('realtime:broadcast', { queue: 'emails' })).toEqual({ paths: ['supabase'] })
    expect(await hint).toMatchObject({ queue: 'emails' })
  })

  it.each([
    [
      'a channel that the server closes',
      () => server.hooks.closeChannel('aimq:jobs', 'Token has expired 1 seconds ago'),
    ],
    ['a channel that crashes', () => server.hooks.errorChannel('aimq:jobs')],
    ['a socket that is dropped', () => server.hooks.dropConnections()],
    ['a server that restarts', () => server.hooks.dropConnections(1012)],
  ])('%s is said, and comes back by itself', async (_what, harm) => {
    const bus = await start(overSupabase())
    const facts = recordFacts(bus, 'realtime:path-lost')
    const [lost, back] = [degraded(bus), healthy(bus)]
    harm()
    await lost
    await back
    expect(facts).toHaveLength(1)
    await hintComes(bus, 'after')
  })

  it('a joined channel on which nothing comes is found out, and comes back by itself', async () => {
    const bus = await start(overSupabase())
    const [lost, back] = [degraded(bus), healthy(bus)]
    server.hooks.swallow(true)
    try {
      expect((await lost).cause).toMatch(/canary did not come back/)
    } finally {
      server.hooks.swallow(false)
    }
    await back
    await hintComes(bus, 'after')
  })

  it('a connection that is only half there is found out, and replaced', async () => {
    const bus = await start(overSupabase())
    const [lost, back] = [degraded(bus), healthy(bus)]
    server.hooks.freeze()
    await lost
    server.hooks.thaw()
    await back
    await hintComes(bus, 'after')
  })

  it('a key that may not read the private topic is told so, in words that help', async () => {
    const bus = await start(overSupabase({ key: server.anonKey }), degraded)
    const status = await bus.request('realtime:status', {})
    expect(status.cause).toMatch(/may not read the private topic; add the receive policy/)
  })

  it('a refused key is told so', async () => {
    const bus = await start(overSupabase({ key: 'nonsense' }), degraded)
    expect((await bus.request('realtime:status', {})).cause).toMatch(/key or token was refused/)
  })

  it('a key that may not send keeps the path open, unproven: hints come, and polling goes on', async () => {
    await database.query(
      `create policy receive on realtime.messages for select to authenticated using (extension = 'broadcast' and realtime.topic() like 'aimq:%')`,
    )
    const token = await server.sign({ role: 'authenticated' }, { expiresInSeconds: 600 })
    const bus = await start(
      { supabase: { url: server.url, key: server.anonKey, accessToken: async () => token } },
      degraded,
    )
    expect((await bus.request('realtime:status', {})).cause).toMatch(/may not send on the private topic/)
    await hintComes(bus, 'unproven')
  })

  it('an access token is asked for again when it has expired', async () => {
    let asked = 0
    const accessToken = async () => {
      asked++
      return server.sign({ role: 'service_role' }, { expiresInSeconds: 3 })
    }
    const bus = await start(overSupabase({ accessToken, canaryIntervalMs: 500 }))
    const gaps = recordFacts(bus, 'realtime:path-lost')
    const [lost, back] = [degraded(bus), healthy(bus)]
    await lost
    await back
    expect(gaps).toHaveLength(1)
    expect(asked).toBeGreaterThan(1)
    await hintComes(bus, 'after')
  })
})

describe('over both paths', () => {
  it('one may fail, and the other leads', async () => {
    const bus = createBus({ logger: silentLogger })
    onTestFinished(() => bus.stop())
    await bus.use(
      realtime({ listen: { connectionString: database.url, canaryIntervalMs: 500 }, ...overSupabase() }),
    )
    const paths = async () => (await bus.request('realtime:status', {})).paths.map(({ health }) => health)
    await expect.poll(paths, { timeout: 20_000 }).toEqual(['healthy', 'healthy'])
    const changes = recordFacts(bus, 'realtime:health-changed')

    await producer.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aimq listen' and datname = current_database()`,
    )
    await hintComes(bus, 'by_supabase')
    server.hooks.dropConnections()
    await expect.poll(paths, { timeout: 20_000 }).toEqual(['healthy', 'healthy'])
    expect(changes.filter(({ fact }) => fact.health === 'degraded').length).toBeLessThanOrEqual(1)
  })

  it('a hint that came over both is passed on once', async () => {
    const bus = createBus({ logger: silentLogger })
    onTestFinished(() => bus.stop())
    await bus.use(realtime({ listen: database.url, ...overSupabase() }))
    await expect
      .poll(
        async () =>
          (await bus.request('realtime:status', {})).paths.every(({ health }) => health === 'healthy'),
        { timeout: 20_000 },
      )
      .toBe(true)
    const hints = recordFacts(bus, 'job:enqueued')
    await bus.request('realtime:broadcast', { queue: 'twice' })
    // The one over the second path would be passed on within this time.
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(hints.map(({ fact }) => fact.queue)).toEqual(['twice'])
  })
})
