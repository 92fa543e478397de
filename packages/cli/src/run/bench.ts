import { randomBytes } from 'node:crypto'
import { createBus, type WakePath } from '@aimq/events'
import { drawHistogram, percentiles } from '../bench/histogram.ts'
import { type BenchBuses, measureThroughput, measureWakeUps } from '../bench/measure.ts'
import { confirmLoss } from '../confirm.ts'
import type { Context } from '../context.ts'
import { type Database, openDatabase } from '../database.ts'
import { firstHealth } from '../first-health.ts'
import { startProgress } from '../progress.ts'
import { count, duration } from '../show.ts'
import { findPlugin, findStep, loadPlugin } from '../steps.ts'
import { chooseTriggerPaths, type PathWish } from '../trigger-paths.ts'
import { sayDatabase, silentAbout } from '../with-bus.ts'
import { withRealtimeOn } from '../with-realtime.ts'
import { pathNames } from './realtime-status.ts'

export interface BenchOptions {
  readonly samples?: number
  readonly jobs?: number
  readonly concurrency?: number
  readonly path?: PathWish
  readonly yes?: boolean
}

interface Result {
  readonly queue: string
  readonly latencies: readonly number[]
  readonly throughput: Awaited<ReturnType<typeof measureThroughput>> | undefined
  /** The paths that were proven, in the order of their canaries. */
  readonly paths: readonly WakePath[]
  readonly hasTrigger: boolean
}

const warmUp = 20
const canariesWithinMs = 10_000
const barWidth = 40

export async function run(context: Context, options: BenchOptions): Promise<void> {
  const { output } = context
  const { samples = 200, jobs = 10_000 } = options
  const database = await openDatabase(context)
  try {
    sayDatabase(context, database)
    if (!database.isLocal) {
      const what = `This creates a queue of its own, sends ${count(samples + jobs + warmUp)} jobs through it, and drops it again`
      await confirmLoss(context, database, what, options.yes)
    }
    const result = await withConsumer(context, database, (buses) => bench(context, database, buses, options))
    if (output.json) output.data(asJson(result))
    else report(context, result, options)
  } finally {
    await database.stop()
  }
}

/** The bus of the worker, with every path by which it can be woken. */
async function withConsumer<Value>(
  context: Context,
  database: Database,
  work: (buses: Pick<BenchBuses, 'consumer'>) => Promise<Value>,
): Promise<Value> {
  if (findStep('realtime', context.cwd) === undefined) {
    const consumer = createBus({ logger: silentAbout(context) })
    try {
      return await work({ consumer })
    } finally {
      await consumer.stop()
    }
  }
  return withRealtimeOn(context, database, ({ bus }) => work({ consumer: bus }))
}

async function bench(
  context: Context,
  database: Database,
  { consumer }: Pick<BenchBuses, 'consumer'>,
  options: BenchOptions,
): Promise<Result> {
  const { cwd, signal, output } = context
  const { connectionString } = database
  const queue = `bench_${randomBytes(5).toString('hex')}`
  const producer = createBus({ logger: silentAbout(context) })
  const started: BenchBuses['started'] = { on: () => {} }
  const progress = startProgress(output, 'getting ready')
  try {
    await producer.use(await loadPlugin('queue', cwd, { connectionString }))
    await producer.request('queue:create', { queue }, { signal })
    const hasTrigger = await installTrigger(context, database, producer, queue, options.path)
    await consumer.use(await loadPlugin('queue', cwd, { connectionString }))
    const defaults = { concurrency: options.concurrency ?? 10, onComplete: 'delete' }
    const handlers = { [queue]: ({ payload }: { payload: unknown }) => started.on(payload) }
    await consumer.use(await loadPlugin('worker', cwd, { handlers, defaults }))
    const paths = await provenPaths(consumer, signal)
    const buses = { producer, consumer, queue, started }
    await measureWakeUps(buses, warmUp, signal, () => {})
    const { samples = 200, jobs = 10_000 } = options
    const latencies = await measureWakeUps(buses, samples, signal, (done) =>
      progress.at(done / samples / 2, `wake-ups: ${done} of ${samples}`),
    )
    const throughput =
      jobs === 0
        ? undefined
        : await measureThroughput(buses, jobs, signal, (done) =>
            progress.at(0.5 + done / jobs / 2, `throughput: ${count(Math.round(done))} of ${count(jobs)}`),
          )
    return { queue, latencies, throughput, paths, hasTrigger }
  } finally {
    progress.end()
    // Also after Ctrl-C: nothing of it stays.
    await consumer.stop({ signal: AbortSignal.timeout(2000) }).catch(() => {})
    if (producer.canRequest('triggers:remove')) {
      await producer.request('triggers:remove', { queues: [queue] }).catch(() => {})
    }
    if (producer.canRequest('queue:drop')) await producer.request('queue:drop', { queue })
    await producer.stop()
  }
}

async function installTrigger(
  { cwd, signal }: Context,
  database: Database,
  producer: BenchBuses['producer'],
  queue: string,
  wish: PathWish | undefined,
): Promise<boolean> {
  const { connectionString } = database
  const plugin = await findPlugin('triggers', cwd, { connectionString })
  if (plugin === undefined) return false
  await producer.use(plugin)
  const paths = await chooseTriggerPaths(wish, database)
  await producer.request('triggers:install', { queues: [queue], paths }, { signal })
  return true
}

async function provenPaths(consumer: BenchBuses['consumer'], signal: AbortSignal): Promise<WakePath[]> {
  if (!consumer.canRequest('realtime:status')) return []
  const { paths } = await firstHealth(consumer, canariesWithinMs, signal)
  return paths
    .filter(({ health }) => health === 'healthy')
    .sort((a, b) => (a.canaryMs ?? 0) - (b.canaryMs ?? 0))
    .map(({ path }) => path)
}

function asJson({ latencies, throughput, paths, hasTrigger }: Result): object {
  return { wakeUp: { ...percentiles(latencies), paths, trigger: hasTrigger }, throughput }
}

function report(
  { output }: Context,
  { latencies, throughput, paths, hasTrigger }: Result,
  options: BenchOptions,
): void {
  const { p50Ms, p95Ms, p99Ms, maxMs } = percentiles(latencies)
  const how =
    hasTrigger && paths.length > 0
      ? `woken by a trigger over ${paths.map((path) => pathNames[path]).join(' and ')}`
      : 'by polling: nothing wakes this worker'
  output.line(output.style('bold', `From send to start, ${latencies.length} jobs one by one, ${how}`))
  output.line()
  for (const line of drawHistogram(output, latencies, barWidth)) output.line(line)
  output.line()
  const figures = Object.entries({ p50: p50Ms, p95: p95Ms, p99: p99Ms, max: maxMs })
  output.line(`  ${figures.map(([name, ms]) => `${output.style('dim', name)} ${duration(ms)}`).join('   ')}`)
  if (throughput === undefined) return
  const { jobs, sentPerSecond, workedPerSecond } = throughput
  output.line()
  output.line(output.style('bold', `Throughput, ${count(jobs)} jobs that do nothing`))
  output.line()
  output.line(
    `  sent    ${count(Math.round(sentPerSecond)).padStart(8)}/s  ${output.style('dim', 'in batches of 1,000')}`,
  )
  const concurrency = options.concurrency ?? 10
  output.line(
    `  worked  ${count(Math.round(workedPerSecond)).padStart(8)}/s  ${output.style('dim', `by one worker, ${concurrency} at once`)}`,
  )
}
