/*
 * No wake-up is lost, and none costs more than it may: the proofs (a) to (i) for the real worker, real queue client and
 * real LISTEN/NOTIFY, one by one. (f), every order of events, is `packages/worker/test/wake-loop.model.test.ts`.
 */
import { type Bus, createBus, silentLogger } from '@aimq/events'
import { nextFact } from '@aimq/events/testing'
import { queue } from '@aimq/queue'
import { realtime } from '@aimq/realtime'
import { type WorkerOptions, worker } from '@aimq/worker'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { randoms } from '../../faults/harness/randoms.ts'
import { createDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
let producer: pg.Pool
beforeAll(async () => {
  database = await createDatabase()
  producer = new pg.Pool({ connectionString: database.url, max: 4 })
  producer.on('error', () => {})
})
afterAll(async () => {
  await producer.end()
  await database[Symbol.asyncDispose]()
})

/** A worker woken over LISTEN; resolves when its wake-ups are proven. `poll: 'never'` leaves only wake-ups and timers. */
async function startWorker(options: WorkerOptions, { woken = true } = {}): Promise<Bus> {
  const bus = createBus({ logger: silentLogger })
  onTestFinished(() => bus.stop({ signal: AbortSignal.abort() }))
  await bus.use(queue({ connectionString: database.url }))
  for (const name of Object.keys(options.handlers)) await bus.request('queue:create', { queue: name })
  await bus.use(worker(options))
  if (woken) {
    const healthy = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy')
    await bus.use(realtime({ listen: database.url }))
    await healthy
  }
  return bus
}

/** Sends as another program would: plain SQL, and one NOTIFY in the same transaction. */
async function send(name: string, payload: unknown, { delaySeconds = 0, notify = true } = {}): Promise<void> {
  const hint = JSON.stringify({
    event: 'job_enqueued',
    queue: name,
    count: 1,
    due_in_ms: delaySeconds * 1000,
    v: 1,
  })
  const text = notify
    ? `select pgmq.send($1, $2::jsonb, $3::int), pg_notify('aimq:jobs', $4)`
    : 'select pgmq.send($1, $2::jsonb, $3::int), $4::text'
  await producer.query(text, [name, JSON.stringify(payload), delaySeconds, hint])
}

/** Resolves when the handler gets this payload. */
class Arrivals {
  readonly #waiting = new Map<string, () => void>()
  readonly handler = ({ queue: name, payload }: { queue: string; payload: unknown }) => {
    this.#waiting.get(`${name} ${payload}`)?.()
  }

  of(name: string, payload: unknown): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(`${name} ${payload}`, resolve))
  }
}

const anHourMs = 3_600_000
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('wake-ups', () => {
  it(`(a) none is lost in 2,000 rounds of sending just around falling asleep (SEED=${seed})`, async () => {
    const arrivals = new Arrivals()
    const names = Array.from({ length: 10 }, (_, n) => `around_${n}`)
    const handlers = Object.fromEntries(names.map((name) => [name, arrivals.handler]))
    await startWorker({ handlers, pollIntervalMs: anHourMs, safetyPollIntervalMs: anHourMs })
    let slowest = 0
    await Promise.all(
      names.map(async (name, n) => {
        const random = randoms(seed + n)
        for (let round = 0; round < 200; round++) {
          // From at once after the last job, while the worker looks again, to well into its sleep.
          await pause(random() * 50)
          const started = performance.now()
          const arrived = arrivals.of(name, round)
          await send(name, round)
          await arrived
          slowest = Math.max(slowest, performance.now() - started)
        }
      }),
    )
    expect(slowest).toBeLessThan(1000)
  })

  it('(b) that never come are made up for by polling', async () => {
    const arrivals = new Arrivals()
    const names = Array.from({ length: 10 }, (_, n) => `silent_${n}`)
    await startWorker(
      { handlers: Object.fromEntries(names.map((name) => [name, arrivals.handler])) },
      { woken: false },
    )
    await Promise.all(
      names.map(async (name, n) => {
        const random = randoms(seed + n)
        for (let round = 0; round < 3; round++) {
          await pause(random() * 2000)
          const arrived = arrivals.of(name, round)
          await send(name, round, { notify: false })
          const started = performance.now()
          await arrived
          expect(performance.now() - started).toBeLessThan(1500)
        }
      }),
    )
  })

  it('(c) of a delayed job start it when it is due', async () => {
    const bus = await startWorker({
      handlers: { due: () => {} },
      pollIntervalMs: anHourMs,
      safetyPollIntervalMs: anHourMs,
    })
    for (let round = 0; round < 3; round++) {
      const started = nextFact(bus, 'worker:job-started')
      await send('due', round, { delaySeconds: 2 })
      // A tenth of a second where the machine has nothing else to do; polls are an hour apart.
      expect((await started).waitedMs).toBeLessThan(250)
    }
  })

  it('(d) of a retry by a worker that can take no more start it in an idle peer when it is due', async () => {
    const options = {
      pollIntervalMs: anHourMs,
      safetyPollIntervalMs: anHourMs,
      defaults: { backoff: () => 1000 },
      handlers: {
        shared: ({ attempt }: { attempt: number }) => {
          if (attempt === 1) throw new Error('once')
        },
      },
    }
    const workers = [await startWorker(options), await startWorker(options)]
    // Whichever fails it takes no more from then on: the other has to start it.
    for (const bus of workers) bus.on('worker:job-retried', () => bus.request('worker:pause', {}))
    const second = workers.map((bus) => nextFact(bus, 'worker:job-started', ({ attempt }) => attempt === 2))
    for (const started of second) started.catch(() => {})
    await send('shared', 'fails once')
    const { waitedMs } = await Promise.race(second)
    expect(waitedMs).toBeLessThan(300)
  })

  it('(e) that fell into the gap of a lost LISTEN session are made up for at the reconnect', async () => {
    const arrivals = new Arrivals()
    const bus = await startWorker({
      handlers: { gap: arrivals.handler },
      pollIntervalMs: anHourMs,
      safetyPollIntervalMs: anHourMs,
    })
    // Three drops within a minute would be a flap, and not be believed for a while.
    for (let round = 0; round < 2; round++) {
      const lost = nextFact(bus, 'realtime:path-lost')
      const healthy = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy')
      const arrived = arrivals.of('gap', round)
      await producer.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aimq listen' and datname = current_database()`,
      )
      await lost
      // Nobody listens now.
      await send('gap', round)
      await arrived
      await healthy
    }
  })

  it('(g) cost an idle worker almost nothing', async () => {
    const names = Array.from({ length: 5 }, (_, n) => `idle_${n}`)
    const bus = await startWorker({ handlers: Object.fromEntries(names.map((name) => [name, () => {}])) })
    let asked = 0
    const request = bus.request.bind(bus)
    bus.request = (name, input, options) => {
      if (name.startsWith('queue:')) asked++
      return request(name, input, options)
    }
    // What was stirred up by starting has its confirming looks behind it.
    await pause(2000)
    const before = asked
    await pause(15_000)
    // Safety polls come every 30 seconds a queue: a tenth of a statement a second and queue would be 7.5.
    expect(asked - before).toBeLessThanOrEqual(7)
  })

  it('(h) of one job among a hundred idle workers cost few looks, and one wins', async () => {
    const hub = createBus({ logger: silentLogger })
    onTestFinished(() => hub.stop())
    await hub.use(queue({ connectionString: database.url }))
    await hub.request('queue:create', { queue: 'herd' })
    const asked = { 'queue:read': 0, 'queue:probe': 0, 'queue:settle': 0 }
    const runs: number[] = []
    const buses: Bus[] = []
    for (let n = 0; n < 100; n++) {
      const bus = createBus({ logger: silentLogger })
      for (const name of ['queue:read', 'queue:probe', 'queue:settle'] as const) {
        bus.handle(name, (input, options) => {
          asked[name]++
          return hub.request(name, input as never, options) as never
        })
      }
      await bus.use(worker({ handlers: { herd: () => void runs.push(n) }, pollIntervalMs: anHourMs }))
      bus.emit('realtime:health-changed', { health: 'healthy' })
      buses.push(bus)
    }
    const wake = () => {
      for (const bus of buses) bus.emit('job:enqueued', { queue: 'herd', source: 'test' })
    }
    // Jobs that others were faster at have taught the loops to spread their looks.
    for (let round = 0; round < 8; round++) {
      await hub.request('queue:send', { queue: 'herd', messages: [{ payload: round }] })
      wake()
      await expect.poll(() => runs.length).toBe(round + 1)
      await pause(700)
    }
    Object.assign(asked, { 'queue:read': 0, 'queue:probe': 0, 'queue:settle': 0 })
    await hub.request('queue:send', { queue: 'herd', messages: [{ payload: 'last' }] })
    wake()
    await expect.poll(() => runs.length).toBe(9)
    await pause(700)
    await Promise.all(buses.map((bus) => bus.stop()))
    expect(runs).toHaveLength(9)
    expect(asked['queue:probe']).toBeLessThanOrEqual(200)
    expect(asked['queue:read']).toBeLessThanOrEqual(10)
  })

  it.each([
    ['now', ''],
    ['for soon', ',"due_in_ms":1'],
    ['over and over', ',"again_in_ms":1'],
  ])('(i) forged by the thousand, %s, delay real jobs little, and cost little', async (_what, more) => {
    const arrivals = new Arrivals()
    const bus = await startWorker({
      handlers: { forged: arrivals.handler },
      pollIntervalMs: anHourMs,
      safetyPollIntervalMs: anHourMs,
    })
    let looks = 0
    const request = bus.request.bind(bus)
    bus.request = (name, input, options) => {
      if (name === 'queue:read' || name === 'queue:probe') looks++
      return request(name, input, options)
    }
    let storming = true
    onTestFinished(async () => {
      storming = false
      await storm
    })
    const storm = (async () => {
      while (storming) {
        await producer.query(
          `select count(pg_notify('aimq:jobs', '{"queue":"forged","count":' || n || $1 || '}')) from generate_series(1, 1000) as n`,
          [more],
        )
        await pause(50)
      }
    })()
    // Until distrust has grown, and then for a while.
    await pause(4000)
    const before = looks
    await pause(5000)
    // Two a second for hints of a time to come, and some for those whose time has come on the way.
    expect(looks - before).toBeLessThanOrEqual(18)
    for (let round = 0; round < 3; round++) {
      const arrived = arrivals.of('forged', round)
      const started = performance.now()
      await send('forged', round)
      await arrived
      expect(performance.now() - started).toBeLessThan(2500)
      await pause(300)
    }
  })
})
