/*
 * A producer that sends steadily, while what wakes the worker breaks in every way: nothing is lost, nothing is later
 * than the fault allows, and the path is healthy again by itself. Real triggers tell; polls are a second apart while
 * wake-ups are not proven, and half a minute while they are.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type LocalRealtime, startRealtime } from '@aimq/embedded'
import { type Bus, createBus, silentLogger } from '@aimq/events'
import { nextFact } from '@aimq/events/testing'
import { queue } from '@aimq/queue'
import { type RealtimeOptions, realtime } from '@aimq/realtime'
import { triggers } from '@aimq/triggers'
import { worker } from '@aimq/worker'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startTcpProxy, type TcpProxy } from '../../faults/harness/tcp-proxy.ts'
import { createDatabase, type TestDatabase } from '../harness/database.ts'
import { connect, Timing } from '../harness/gated-workers.ts'

let database: TestDatabase
let server: LocalRealtime
let proxy: TcpProxy
beforeAll(async () => {
  database = await createDatabase()
  server = await startRealtime({ connectionString: database.url, joinErrorDelayMs: 50 })
  proxy = await startTcpProxy(database.url)
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await server.stop()
  await database[Symbol.asyncDispose]()
})

/** A canary that does not come back is found out after its interval, jittered, and five seconds. */
const canaryIntervalMs = 1000
const foundOutMs = canaryIntervalMs * 1.5 + 5000
/** The next poll, with its jitter, on a busy machine. */
const polledMs = 1500

async function start(name: string, path: 'notify' | 'realtime', timing: Timing): Promise<Bus> {
  const installer = createBus({ logger: silentLogger })
  await installer.use(queue({ connectionString: database.url }))
  await installer.use(triggers({ connectionString: database.url }))
  await installer.request('queue:create', { queue: name })
  await installer.request('triggers:install', { queues: [name], paths: [path] })
  await installer.stop()
  const bus = createBus({ logger: silentLogger })
  onTestFinished(() => bus.stop({ signal: AbortSignal.abort() }))
  await bus.use(queue({ connectionString: database.url }))
  await bus.use(worker({ handlers: { [name]: timing.handler } }))
  const healthy = nextFact(bus, 'realtime:health-changed', (fact) => fact.health === 'healthy')
  await bus.use(realtime(wakeUps(path)))
  await healthy
  return bus
}

function wakeUps(path: 'notify' | 'realtime'): RealtimeOptions {
  if (path === 'notify') return { listen: { connectionString: proxy.url, canaryIntervalMs } }
  const { url, serviceRoleKey: key } = server
  return { supabase: { url, key, connectionString: database.url, canaryIntervalMs } }
}

/** Sends a job every 25 ms until it is disposed. */
async function startProducer(name: string, timing: Timing): Promise<AsyncDisposable> {
  const client = await connect(database.url)
  let going = true
  const done = (async () => {
    for (let n = 0; going; n++) {
      await client.query('select pgmq.send($1, $2::jsonb)', [name, JSON.stringify({ key: `${n}` })])
      timing.committed([`${n}`], 'steady')
      await pause(25)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      going = false
      await done
      await client.end()
    },
  }
}

async function breaks(
  name: string,
  path: 'notify' | 'realtime',
  harm: () => unknown,
  boundMs: number,
): Promise<void> {
  const timing = new Timing()
  const bus = await start(name, path, timing)
  {
    await using _ = await startProducer(name, timing)
    await pause(500)
    const degraded = nextFact(bus, 'realtime:health-changed', (fact) => fact.health === 'degraded', 20_000)
    const healthy = nextFact(bus, 'realtime:health-changed', (fact) => fact.health === 'healthy', 40_000)
    const mend = await harm()
    await degraded
    if (typeof mend === 'function') await mend()
    await healthy
    await pause(500)
  }
  await expect.poll(() => timing.lost, { timeout: 5000 }).toEqual([])
  expect(timing.strangers).toEqual([])
  expect(timing.latenciesMs().at(-1)).toBeLessThan(boundMs)
  await bus.stop()
}

describe('jobs over LISTEN', () => {
  it.each<[string, string, () => unknown, number]>([
    [
      'is terminated',
      'terminated',
      () =>
        database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aimq listen' and datname = current_database()`,
        ),
      polledMs,
    ],
    ['is reset', 'reset_by_peer', () => void proxy.reset('aimq listen'), polledMs],
    [
      'is only half there',
      'half_there',
      () => void proxy.blackHole({ says: 'aimq listen' }),
      foundOutMs + polledMs,
    ],
    [
      'hears nothing any more, though it can speak',
      'half_deaf',
      () => void proxy.blackHole({ says: 'aimq listen', direction: 'down' }),
      foundOutMs + polledMs,
    ],
    [
      'is refused for a while',
      'refused',
      () => {
        proxy.refuse(true)
        proxy.reset('aimq listen')
        return async () => {
          await pause(3000)
          proxy.refuse(false)
        }
      },
      polledMs,
    ],
  ])('go on when the session %s', async (_what, name, harm, boundMs) => {
    await breaks(name, 'notify', harm, boundMs)
  })
})

describe('jobs over Realtime', () => {
  it.each<[string, string, () => unknown, number]>([
    ['drops every socket', 'dropped', () => server.hooks.dropConnections(), polledMs],
    [
      'is away for a while',
      'away',
      () => {
        server.hooks.refuseUpgrades(503)
        server.hooks.dropConnections(1012)
        return async () => {
          await pause(3000)
          server.hooks.refuseUpgrades(undefined)
        }
      },
      polledMs,
    ],
    ['closes the channel', 'closed', () => server.hooks.closeChannel('aimq:jobs'), polledMs],
    [
      'says that the token has expired',
      'expired',
      () => server.hooks.closeChannel('aimq:jobs', 'Token has expired 1 seconds ago'),
      polledMs,
    ],
    [
      'passes nothing on, though joined',
      'swallowed',
      () => {
        server.hooks.swallow(true)
        return () => server.hooks.swallow(false)
      },
      foundOutMs + polledMs,
    ],
    [
      'freezes',
      'frozen',
      () => {
        server.hooks.freeze()
        return () => server.hooks.thaw()
      },
      foundOutMs + polledMs,
    ],
  ])('go on when the server %s', async (_what, name, harm, boundMs) => {
    await breaks(name, 'realtime', harm, boundMs)
  })
})
