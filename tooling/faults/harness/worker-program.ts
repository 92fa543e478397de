/*
 * A worker process for tests: works its queues, writes a ledger, does to itself what a job tells it to do. It never
 * calls `process.exit()`: told to stop, it ends by itself, unless something was left behind.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createBus } from '@aimq/events'
import { queue } from '@aimq/queue'
import { realtime } from '@aimq/realtime'
import { deadLetter, type Job, type Outcome, worker } from '@aimq/worker'
import { givenSettings } from './child-program.ts'
import { readLedger, record } from './ledger.ts'
import type { JobWish, WorkerHealth, WorkerProcessOptions } from './worker-process.ts'

const settings = givenSettings<WorkerProcessOptions>()
const {
  ledger,
  jobMs = 0,
  blockMs = 0,
  clockSkewMs = 0,
  clockJumpEveryMs = Number.POSITIVE_INFINITY,
  retryMs,
} = settings

if (clockSkewMs !== 0) {
  const truth = Date.now
  const isBehind = () => Math.floor(performance.now() / clockJumpEveryMs) % 2 === 1
  Date.now = () => truth() + (isBehind() ? -clockSkewMs : clockSkewMs)
}

const startedElsewhere = (key: string) =>
  readLedger(ledger).some(({ what, id, pid }) => what === 'start' && id === key && pid !== process.pid)

async function handler(job: Job<JobWish | null>): Promise<Outcome | undefined> {
  const { key = job.id, ms = jobMs, fails = 0, dead = false, poison = false } = job.payload ?? {}
  record(ledger, 'start', key, job.waitedMs)
  if (poison) process.kill(process.pid, 'SIGKILL')
  if (blockMs > 0) {
    const until = performance.now() + blockMs
    while (performance.now() < until || !startedElsewhere(key));
    if (ms > 0) await sleep(ms)
    throw new Error('too late to be recorded')
  }
  if (ms > 0) await sleep(ms, undefined, { signal: job.signal })
  if (job.attempt <= fails) {
    record(ledger, 'fails', key)
    throw new Error(`attempt ${job.attempt} of ${key} fails, as it was told to`)
  }
  record(ledger, 'done', key)
  if (settings.die === 'after-done') process.kill(process.pid, 'SIGKILL')
  return dead ? deadLetter({ reason: 'as it was told to' }) : undefined
}

const bus = createBus()
let statements = 0
const request = bus.request.bind(bus)
bus.request = (name, input, options) => {
  if (name.startsWith('queue:')) statements++
  return request(name, input, options)
}
const { queryTimeoutMs } = settings
await bus.use(
  queue({ connectionString: settings.url, ...(queryTimeoutMs === undefined ? {} : { queryTimeoutMs }) }),
)
const queues = typeof settings.queue === 'string' ? [settings.queue] : settings.queue
await bus.use(
  worker({
    handlers: Object.fromEntries(queues.map((name) => [name, handler])),
    defaults: {
      maxCrashes: 4,
      ...settings.policy,
      leaseMs: settings.leaseMs ?? 2000,
      concurrency: settings.concurrency ?? 10,
      ...(retryMs === undefined ? {} : { backoff: () => retryMs }),
    },
    gracePeriodMs: settings.gracePeriodMs ?? 200,
  }),
)
if (settings.realtime !== undefined) await bus.use(realtime(settings.realtime))

const loopDelay = monitorEventLoopDelay({ resolution: 10 })
loopDelay.enable()

async function health(): Promise<WorkerHealth> {
  const loopDelayMs = loopDelay.percentile(50) / 1e6
  const { user, system } = process.cpuUsage()
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  const resources: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  const { wakeupsProven } = await bus.request('worker:status', {})
  loopDelay.reset()
  const cpuMs = (user + system) / 1000
  return { rssBytes: rss, heapBytes: heapUsed, cpuMs, loopDelayMs, resources, statements, wakeupsProven }
}

process.on('message', async () => process.send?.({ health: await health() }))
process.once('SIGTERM', async () => {
  await bus.stop()
  process.disconnect?.()
})
process.send?.({ ready: true })
