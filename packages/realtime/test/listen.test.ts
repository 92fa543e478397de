import { createBus, silentLogger } from '@aimq/events'
import { nextFact, recordFacts } from '@aimq/events/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type RealtimeOptions, realtime } from '../src/index.ts'
import { createDatabase, type TestDatabase } from './database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

async function start(options: RealtimeOptions = { listen: database.url }) {
  const bus = createBus({ logger: silentLogger })
  onTestFinished(() => bus.stop())
  const healthy = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy')
  await bus.use(realtime(options))
  await healthy
  return bus
}
const notify = (payload: string) => database.query(`select pg_notify('aimq:jobs', $1)`, [payload])

describe('LISTEN/NOTIFY', () => {
  it('makes a hint of a plain NOTIFY', async () => {
    const bus = await start()
    const hint = nextFact(bus, 'job:enqueued')
    await notify('{"event":"job_enqueued","queue":"emails","count":3,"due_in_ms":0,"v":1}')
    expect(await hint).toEqual({ queue: 'emails', count: 3, source: 'listen' })
  })

  it('takes the due time along, and understands the Python project', async () => {
    const bus = await start()
    const later = nextFact(bus, 'job:enqueued')
    await notify('{"queue":"later","due_in_ms":5000,"v":7,"unknown":true}')
    expect((await later).dueAt).toBeGreaterThan(Date.now() + 3000)
    const python = nextFact(bus, 'job:enqueued')
    await notify('{"queue":"emails","job_id":123}')
    expect(await python).toEqual({ queue: 'emails', source: 'listen' })
  })

  it('says a hint again when its sender, who keeps silent meanwhile, said so', async () => {
    const bus = await start()
    const hints = recordFacts(bus, 'job:enqueued')
    const first = nextFact(bus, 'job:enqueued')
    await notify('{"queue":"emails","again_in_ms":300}')
    expect(await first).toEqual({ queue: 'emails', source: 'listen' })
    const began = performance.now()
    expect(await nextFact(bus, 'job:enqueued')).toEqual({ queue: 'emails', source: 'listen', repeated: true })
    expect(performance.now() - began).toBeGreaterThan(250)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(hints).toHaveLength(2)
  })

  it('says it again once for many, and never later than in five seconds', async () => {
    const bus = await start()
    const hints = recordFacts(bus, 'job:enqueued')
    await database.query(
      `select count(pg_notify('aimq:jobs', '{"queue":"emails","again_in_ms":' || n || '}')) from generate_series(100, 299) as n`,
    )
    await notify('{"queue":"later","again_in_ms":1e99}')
    await notify('{"queue":"junk","again_in_ms":"soon"}')
    await new Promise((resolve) => setTimeout(resolve, 1000))
    // At once, when the first silence was over, and the last; chunks of the socket may split the storm.
    expect(hints.filter(({ fact }) => fact.queue === 'emails').length).toBeLessThanOrEqual(6)
    expect(hints.filter(({ fact }) => fact.queue === 'emails').length).toBeGreaterThanOrEqual(2)
    expect(hints.filter(({ fact }) => fact.queue === 'junk')).toHaveLength(1)
    await nextFact(bus, 'job:enqueued', ({ queue }) => queue === 'later', 6000)
  })

  it('is healthy because a canary came back, and says how long that took', async () => {
    const bus = await start()
    const status = await bus.request('realtime:status', {})
    expect(status).toMatchObject({
      health: 'healthy',
      leader: 'listen',
      paths: [{ path: 'listen', health: 'healthy' }],
    })
    expect(status.paths[0]?.canaryMs).toBeGreaterThan(0)
  })

  it('broadcasts by hand, to itself and to others', async () => {
    const bus = await start()
    const other = await start()
    const heard = [nextFact(bus, 'job:enqueued'), nextFact(other, 'job:enqueued')]
    expect(await bus.request('realtime:broadcast', { queue: 'emails', count: 2 })).toEqual({
      paths: ['listen'],
    })
    expect(await Promise.all(heard)).toMatchObject([{ queue: 'emails' }, { queue: 'emails' }])
    await expect(bus.request('realtime:broadcast', { queue: 'a;b' })).rejects.toMatchObject({
      code: 'events/invalid-queue-name',
    })
  })

  it('tells peers what the own worker puts back, summed and soonest first', async () => {
    const bus = await start()
    const peer = await start()
    const hint = nextFact(peer, 'job:enqueued')
    const job = { queue: 'emails', id: '1', attempt: 1, cause: 'failed' as const }
    bus.emit('worker:job-retried', { ...job, delayMs: 60_000 })
    bus.emit('worker:job-retried', { ...job, delayMs: 20_000 })
    const { dueAt = 0, count } = await hint
    expect(count).toBe(2)
    expect(dueAt - Date.now()).toBeGreaterThan(15_000)
    expect(dueAt - Date.now()).toBeLessThan(25_000)
  })

  it('ignores and counts what is no hint, and never throws', async () => {
    const bus = await start()
    const failures = recordFacts(bus, 'bus:listener-failed')
    const junk = [
      '',
      'null',
      '[]',
      '"x"',
      '{',
      '{"queue":7}',
      '{"queue":"a;b"}',
      '{"queue":"MyQ"}',
      `{"queue":"${'a'.repeat(4000)}"}`,
      // Well-formed, and a character longer than a hint may be.
      '{"queue":"padded"}'.padEnd(2049),
      '{"queue":"x","count":"many"}',
    ]
    for (const payload of junk) await notify(payload)
    const last = nextFact(bus, 'job:enqueued', ({ queue }) => queue === 'last')
    // As long as a hint may be.
    await notify('{"queue":"last"}'.padEnd(2048))
    await last
    const { ignored } = await bus.request('realtime:status', {})
    expect(ignored).toBe(junk.length - 1)
    expect(failures).toEqual([])
  })

  it('counts hints for queues that nobody here works, once it knows what is worked', async () => {
    const bus = await start()
    bus.emit('worker:worker-started', { queues: ['emails'] })
    const hints = recordFacts(bus, 'job:enqueued')
    await notify('{"queue":"elsewhere"}')
    const ours = nextFact(bus, 'job:enqueued')
    await notify('{"queue":"emails"}')
    await ours
    expect(hints.map(({ fact }) => fact.queue)).toEqual(['emails'])
    expect((await bus.request('realtime:status', {})).ignored).toBe(1)
  })

  it('comes back by itself when its session is terminated, says so, and hints flow again', async () => {
    const bus = await start()
    const facts = recordFacts(bus, 'realtime:path-lost', 'realtime:path-connected', 'realtime:health-changed')
    const healthy = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy')
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aimq listen' and datname = current_database()`,
    )
    await healthy
    expect(facts.map(({ name, fact }) => ('health' in fact ? fact.health : name))).toEqual([
      'realtime:path-lost',
      'degraded',
      'realtime:path-connected',
      'healthy',
    ])
    const hint = nextFact(bus, 'job:enqueued')
    await notify('{"queue":"emails"}')
    await hint
  })

  it('leaves no session behind', async () => {
    const bus = await start()
    await bus.stop()
    const sessions = () =>
      database.query(
        `select 1 from pg_stat_activity where application_name = 'aimq listen' and datname = current_database()`,
      )
    await expect.poll(async () => (await sessions()).rowCount).toBe(0)
  })
})

describe('options', () => {
  it.each([
    [{}, /expected listen, supabase or both/],
    [{ listne: 'x' }, /did you mean "listen"/],
    [{ listen: 'mysql://x' }, /expected a connection string/],
    [
      { listen: { connectionString: 'postgres://x', chanel: 'y' } },
      /listen\.chanel: unknown option; did you mean "channel"/,
    ],
    [{ supabase: { url: 'http://db.example.com', key: 'k' } }, /expected https/],
    [{ supabase: { url: 'nonsense', key: '' } }, /2 options|3 options/],
  ])('%j are refused', (options, message) => {
    expect(() => realtime(options as never)).toThrow(message)
  })
})
