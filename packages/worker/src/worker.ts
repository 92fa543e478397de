import {
  createService,
  Disposables,
  didYouMean,
  type Plugin,
  type PluginContext,
  type Service,
  type WorkerStatus,
} from '@aimq/events'
import { drainQueue } from './drain.ts'
import { WorkerError, workerErrorCodes } from './errors.ts'
import { type ResolvedOptions, resolveOptions, type WorkerOptions } from './options.ts'
import { QueueRunner } from './queue-runner.ts'
import { Slots } from './slots.ts'

/**
 * Works jobs: reads the handlers' queues, runs the handlers, settles. Reaches the queues only through `queue:*`
 * requests, reacts to `job:enqueued` hints and to `realtime:health-changed`, and needs neither to work.
 *
 * @throws `worker/invalid-options` at once, with all faults
 */
export function worker(options: WorkerOptions): Plugin {
  const resolved = resolveOptions(options)
  return { name: 'worker', create: (context) => createWorker(resolved, context) }
}

function createWorker(options: ResolvedOptions, { bus, logger, clock }: PluginContext): Service {
  const names = options.queues.map((queue) => queue.definition.name)
  let state: WorkerStatus['state'] = 'stopped'
  let wakeupsProven = false
  let healthTold = 0
  let runners = new Map<string, QueueRunner>()
  const subscriptions = new Disposables()
  let stopDrains = new AbortController()

  function setProven(proven: boolean): void {
    if (proven === wakeupsProven) return
    wakeupsProven = proven
    lookAtAll()
  }

  function lookAtAll(): void {
    for (const runner of runners.values()) runner.look()
  }

  function chosen(queue: string | undefined): QueueRunner[] {
    if (queue === undefined) return [...runners.values()]
    const runner = runners.get(queue)
    if (runner !== undefined) return [runner]
    throw new WorkerError(
      workerErrorCodes.unknownQueue,
      `expected a queue this worker works, got ${JSON.stringify(queue)}${didYouMean(queue, names)}`,
    )
  }

  function listen(): void {
    const on: typeof bus.on = (...args) => subscriptions.add(bus.on(...args))
    on('job:enqueued', ({ queue, count, dueAt, repeated }) => {
      // Untrusted: an unknown queue is somebody else's, a count that is none is one, a time that is none counts as now.
      const dueInMs = typeof dueAt === 'number' && dueAt > clock.now() ? dueAt - clock.now() : 0
      const told = typeof count === 'number' && count >= 1 ? count : 1
      runners.get(queue)?.hint({ count: told, dueInMs, repeated: repeated === true })
    })
    on('realtime:health-changed', ({ health }) => {
      healthTold++
      setProven(health === 'healthy')
    })
    // What was sent while the path was closed was told to nobody.
    on('realtime:path-connected', () => {
      lookAtAll()
      for (const runner of runners.values()) runner.wakeups.repeat()
    })
    on('realtime:wakeups-missed', ({ queues }) => {
      for (const name of queues ?? names) runners.get(name)?.look()
    })
    on('bus:plugin-stopped', ({ plugin }) => {
      if (plugin === 'realtime') setProven(false)
    })
    const handle: typeof bus.handle = (...args) => subscriptions.add(bus.handle(...args))
    handle('worker:status', async () => ({
      state,
      wakeupsProven,
      queues: [...runners.values()].map((runner) => runner.status()),
    }))
    handle('worker:pause', async ({ queue }) => ({
      queues: chosen(queue)
        .filter((runner) => runner.pause())
        .map((runner) => runner.name),
    }))
    handle('worker:resume', async ({ queue }) => ({
      queues: chosen(queue)
        .filter((runner) => runner.resume())
        .map((runner) => runner.name),
    }))
    handle('worker:drain', async (_input, { signal }) => {
      const stop = AbortSignal.any([stopDrains.signal, ...(signal === undefined ? [] : [signal])])
      await Promise.all(
        chosen(undefined).map((runner) => drainQueue(bus, clock, runner.name, () => runner.look(), stop)),
      )
      const counts = [...runners.values()].map((runner) => runner.status().completed)
      return { completed: counts.reduce((sum, count) => sum + count, 0) }
    })
  }

  /** Not waited for: a worker needs no wake-ups to work. What changes later is told as a fact, and counts more. */
  function askHealth(): void {
    if (!bus.canRequest('realtime:status')) return
    const asked = healthTold
    bus.request('realtime:status', {}).then(
      ({ health }) => {
        if (asked === healthTold) setProven(health === 'healthy')
      },
      () => {},
    )
  }

  async function start(): Promise<void> {
    state = 'starting'
    wakeupsProven = false
    if (!bus.canRequest('queue:read')) {
      throw new WorkerError(
        workerErrorCodes.noQueue,
        'expected somebody on this bus who answers "queue:read", got nobody; install @aimq/queue and add its plugin before the worker: await bus.use(queue({ connectionString }))',
      )
    }
    stopDrains = new AbortController()
    const slots = new Slots(options.totalConcurrency)
    const context = { bus, clock, logger, options, slots, wakeupsProven: () => wakeupsProven }
    runners = new Map(options.queues.map((queue) => [queue.definition.name, new QueueRunner(queue, context)]))
    listen()
    for (const runner of runners.values()) runner.start()
    state = 'running'
    askHealth()
    bus.emit('worker:worker-started', { queues: names })
  }

  async function beforeStop(signal: AbortSignal): Promise<void> {
    state = 'stopping'
    stopDrains.abort(new WorkerError(workerErrorCodes.shutdown, 'the worker was stopped while it drained'))
    const graceOver = new AbortController()
    using _ = clock.timer(options.gracePeriodMs, () => graceOver.abort())
    const limit = AbortSignal.any([signal, graceOver.signal])
    await Promise.all([...runners.values()].map((runner) => runner.stop(limit)))
  }

  async function stop(): Promise<void> {
    if (state === 'stopped') return
    subscriptions[Symbol.dispose]()
    state = 'stopped'
    bus.emit('worker:worker-stopped', { queues: names })
  }

  return createService({ name: 'worker', start, beforeStop, stop })
}
