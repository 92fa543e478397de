import type { Bus, Logger } from '@aimq/events'
import { findPlugin, loadPlugin } from '../steps.ts'
import type { Config } from './config.ts'
import { type Database, openDatabase } from './database.ts'
import type { HandlerRecord } from './load-handlers.ts'
import type { OwnWork } from './program.ts'
import { checkRights, createQueues, requireQueues, withAllGrants } from './queues.ts'
import type { StopWatch } from './signals.ts'
import { installTriggers } from './wake-up-triggers.ts'
import { wakeUpOptions } from './wake-ups.ts'

export interface App {
  readonly database: Database
  /** Queues that were not there before. */
  readonly created: readonly string[]
  /** Resolves when jobs in hand have ended or were handed back, and nothing of ours is left running. */
  close(): Promise<void>
}

export interface Composition {
  readonly log: Logger
  readonly stop: StopWatch
  /** Where else the steps can be resolved from. */
  readonly stepsFrom: string | undefined
  readonly own: Pick<OwnWork, 'onDatabase' | 'sends'>
}

/**
 * Every step on one bus, each an enhancement of those before it. A stop request in between undoes what has started, and
 * there is no app then. */
export async function compose(
  config: Config,
  bus: Bus,
  handlers: HandlerRecord,
  { log, stop, stepsFrom, own }: Composition,
): Promise<App | undefined> {
  // Made before anything runs: it refuses wrong policies.
  const step = (name: 'queue' | 'worker', options: object) =>
    loadPlugin(name, process.cwd(), options, stepsFrom)
  const workJobs = await step('worker', {
    handlers,
    defaults: { concurrency: config.concurrency },
    totalConcurrency: totalConcurrency(config, handlers),
    pollIntervalMs: config.pollIntervalMs,
    safetyPollIntervalMs: Math.max(config.pollIntervalMs, safetyPollIntervalMs),
    gracePeriodMs: config.gracePeriodMs,
  })
  let database: Database | undefined
  let busStopped: Promise<void> | undefined
  const stopBus = () => {
    busStopped ??= bus.stop({ signal: stop.urged })
    return busStopped
  }
  const close = () => stopBus().finally(() => database?.stop())
  stop.requested.addEventListener('abort', () => stopBus().catch(() => {}), { once: true })

  try {
    stop.requested.throwIfAborted()
    database = await openDatabase(config, { log, signal: stop.requested, stepsFrom })
    stop.requested.throwIfAborted()
    await own.onDatabase(database)
    const { connectionString } = database
    const wakeUps = wakeUpOptions(config, database)
    const created = await withAllGrants(handlers, own.sends, async () => {
      await bus.use(await step('queue', { connectionString }))
      return await (config.createQueues ? createQueues : requireQueues)(bus, handlers)
    })
    await checkRights(bus, handlers)
    stop.requested.throwIfAborted()
    await bus.use(workJobs)
    if (wakeUps !== undefined) {
      // A drain looks by itself until nothing is left: what would only wake it need not be installed for it.
      const find = config.drain && !config.wakeUps.asked ? findPlugin : loadPlugin
      const wake = await find('realtime', process.cwd(), wakeUps, stepsFrom)
      if (wake !== undefined) await bus.use(wake)
    }
    await installTriggers(config, handlers, database, { bus, log, stepsFrom })
    return { database, created, close }
  } catch (thrown) {
    await close().catch(() => {})
    // What was under way fails because of the stop.
    if (stop.requested.aborted) return undefined
    throw thrown
  }
}

/** What the worker has by default. */
const safetyPollIntervalMs = 30_000

/** Enough for every queue to use all of its own: one limit to think about, not two. */
function totalConcurrency(config: Config, handlers: HandlerRecord): number {
  const each = Object.values(handlers).map(({ policy }) => policy.concurrency ?? config.concurrency)
  const sum = each.reduce((total, concurrency) => total + concurrency, 0)
  return Math.min(Math.max(sum || 1, 1), 100_000)
}
