/*
 * Senders spared: the triggers notify only while a listener waits, and yet no job waits for a poll. Real producers,
 * real triggers, real listeners; polls are a minute apart.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Bus, createBus, silentLogger } from '@aimq/events'
import { nextFact, recordFacts } from '@aimq/events/testing'
import { queue } from '@aimq/queue'
import { triggers } from '@aimq/triggers'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { randoms } from '../../faults/harness/randoms.ts'
import { createDatabase, type TestDatabase } from '../harness/database.ts'
import { connect, startFlood, startGatedWorker, Timing } from '../harness/gated-workers.ts'
import { produceAtRandom } from '../harness/random-producer.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const name = 'jobs'

let database: TestDatabase
let installer: Bus
beforeEach(async () => {
  database = await createDatabase()
  installer = createBus({ logger: silentLogger })
  await installer.use(queue({ connectionString: database.url }))
  await installer.use(triggers({ connectionString: database.url }))
  await installer.request('queue:create', { queue: name })
  return async () => {
    await installer.stop()
    await database[Symbol.asyncDispose]()
  }
})

const install = () => installer.request('triggers:install', { queues: [name] })

async function startWorkers(count: number, timing: Timing): Promise<Bus[]> {
  const buses: Bus[] = []
  for (let n = 0; n < count; n++) {
    const bus = await startGatedWorker(database.url, name, timing.handler)
    onTestFinished(() => bus.stop({ signal: AbortSignal.abort() }))
    buses.push(bus)
  }
  return buses
}

/** Counts what listeners are told, as one more of them that says nothing. */
async function countNotifications() {
  const client = await connect(database.url)
  let count = 0
  client.on('notification', ({ payload }) => {
    if (payload?.includes('job_enqueued')) count++
  })
  await client.query('listen "aimq:jobs"')
  return { count: () => count, [Symbol.asyncDispose]: () => client.end() }
}

async function produce(timing: Timing, forMs: number): Promise<void> {
  const producers = Array.from({ length: 6 }, (_, n) =>
    produceAtRandom({
      url: database.url,
      queue: name,
      name: `producer ${n}`,
      timing,
      random: randoms(seed + n),
      forMs,
    }),
  )
  await Promise.all(producers)
}

const median = (sorted: readonly number[]) => sorted[Math.floor(sorted.length / 2)] ?? Number.NaN

describe(`the gate (SEED=${seed})`, () => {
  it('loses and delays no job of random transactions, between floods that make it open and close', async () => {
    await install()
    const timing = new Timing()
    const workers = await startWorkers(2, timing)
    const wishes = workers.map((bus) => recordFacts(bus, 'worker:wakeups-wanted'))
    const producing = produce(timing, 12_000)
    let floods = 0
    for (; floods < 3; floods++) {
      await pause(1200)
      await using _flood = await startFlood(database.url, { queue: name, sessions: 4, timing })
      await pause(2500)
    }
    await producing
    await expect.poll(() => timing.lost, { timeout: 5000 }).toEqual([])
    expect(timing.strangers).toEqual([])
    // The workers have said that they want no wake-ups, and that they do again.
    for (const said of wishes) expect(said.map(({ fact }) => fact.wanted)).toContain(true)
    expect(timing.latenciesMs().at(-1)).toBeLessThan(1500)
    expect(median(timing.latenciesMs('at once'))).toBeLessThan(50)
    expect(median(timing.latenciesMs('held open'))).toBeLessThan(50)
  })

  it('loses none when the sessions that listen are terminated', async () => {
    await install()
    const timing = new Timing()
    const workers = await startWorkers(2, timing)
    const random = randoms(seed)
    const producing = produce(timing, 6000)
    // Three drops within a minute would be a flap, and polled for.
    for (let round = 0; round < 2; round++) {
      await pause(1000 + random() * 1000)
      const back = workers.map((bus) => nextFact(bus, 'realtime:path-connected'))
      await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aimq listen' and datname = current_database()`,
      )
      await Promise.all(back)
    }
    await producing
    await expect.poll(() => timing.lost, { timeout: 5000 }).toEqual([])
    expect(timing.strangers).toEqual([])
    // What fell into the gap starts when the session is back, two seconds later at most.
    expect(timing.latenciesMs().at(-1)).toBeLessThan(3000)
    expect(median(timing.latenciesMs())).toBeLessThan(50)
    // One row a listener, whatever became of its sessions.
    expect((await database.query('select from aimq.listener')).rowCount).toBe(2)
  })

  it('is silent in a flood, and tells of the first job after it', async () => {
    await install()
    const timing = new Timing()
    const [bus] = await startWorkers(1, timing)
    if (bus === undefined) throw new Error('expected a worker')
    await using notifications = await countNotifications()
    const unwanted = nextFact(bus, 'worker:wakeups-wanted', ({ wanted }) => !wanted, 10_000)
    const wanted = nextFact(bus, 'worker:wakeups-wanted', ({ wanted }) => wanted, 20_000)
    {
      await using flood = await startFlood(database.url, { queue: name, sessions: 4, timing })
      await unwanted
      await pause(300)
      const before = { sent: flood.sent(), told: notifications.count() }
      await pause(2000)
      const told = notifications.count() - before.told
      expect(told).toBeLessThan((flood.sent() - before.sent) / 4)
    }
    await wanted
    for (let n = 0; n < 20; n++) {
      await produceOne(timing, `after ${n}`)
      await pause(20)
    }
    await expect.poll(() => timing.lost, { timeout: 5000 }).toEqual([])
    expect(timing.latenciesMs('after').at(-1)).toBeLessThan(1500)
    expect(median(timing.latenciesMs('after'))).toBeLessThan(50)
  })

  it('starts what a transaction sent in a flood, unheard, and committed long after it', async () => {
    await install()
    const timing = new Timing()
    const [bus] = await startWorkers(1, timing)
    if (bus === undefined) throw new Error('expected a worker')
    const random = randoms(seed)
    for (let round = 0; round < 4; round++) {
      await using straddler = await connect(database.url)
      await using notifications = await countNotifications()
      const key = `unheard ${round}`
      const wanted = nextFact(bus, 'worker:wakeups-wanted', (fact) => fact.wanted, 20_000)
      {
        const unwanted = nextFact(bus, 'worker:wakeups-wanted', (fact) => !fact.wanted, 15_000)
        await using _flood = await startFlood(database.url, { queue: name, sessions: 4, timing })
        await unwanted
        await pause(200)
        await straddler.query('begin')
        await straddler.query('select pgmq.send($1, $2::jsonb)', [name, JSON.stringify({ key })])
      }
      await wanted
      await pause(100 + random() * 1400)
      const before = notifications.count()
      await straddler.query('commit')
      timing.committed([key], 'unheard')
      await expect.poll(() => timing.lost, { timeout: 5000 }).toEqual([])
      // Or it would have been no test.
      expect(notifications.count()).toBe(before)
    }
    expect(timing.latenciesMs('unheard').at(-1)).toBeLessThan(1500)
  })

  it('is there at once when the triggers are installed while it all runs, and gone when they are removed', async () => {
    const timing = new Timing()
    const [bus] = await startWorkers(1, timing)
    // It may be looking just then because its wake-ups were proven: until one is left lying.
    for (let n = 0; n < 5 && timing.lost.length === 0; n++) {
      await produceOne(timing, `untold ${n}`)
      await pause(300)
    }
    expect(timing.lost).toHaveLength(1)
    await install()
    await expect.poll(() => timing.lost, { timeout: 1000 }).toEqual([])
    for (let n = 0; n < 10; n++) {
      await produceOne(timing, `told ${n}`)
      await pause(50)
    }
    expect(timing.lost).toEqual([])
    expect(median(timing.latenciesMs('told'))).toBeLessThan(50)
    await installer.request('triggers:remove', {})
    bus?.emit('worker:wakeups-wanted', { queue: name, wanted: false })
    await pause(300)
    expect((await bus?.request('realtime:status', {}))?.health).toBe('healthy')
  })

  async function produceOne(timing: Timing, key: string): Promise<void> {
    await database.query('select pgmq.send($1, $2::jsonb)', [name, JSON.stringify({ key })])
    timing.committed([key], key.split(' ')[0] ?? '')
  }
})
