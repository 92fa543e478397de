import { setTimeout as pause } from 'node:timers/promises'
import { type Figure, percentiles } from '../measurement.ts'
import { SubjectProcess } from '../process/subject-process.ts'
import type { Bench, Workload } from './workload.ts'

/** From just before a producer in another process sends one job, its durable commit included, to the start of its handler. */
export const wake: readonly Workload[] = [
  {
    family: 'wake',
    title: 'wake-up of an idle worker',
    subjects: ['raw-listen', 'aimq-listen', 'graphile-single', 'pg-boss', 'bullmq'],
    run: (bench) => runWake(bench, bench.quick ? 60 : 200, { least: 25, most: 75 }),
  },
  {
    family: 'wake',
    title: 'wake-up of an idle worker over Realtime',
    subjects: ['aimq-realtime'],
    // Its trigger says one hint in 100 ms and queue: closer jobs wait for one another.
    run: (bench) => runWake(bench, bench.quick ? 30 : 100, { least: 120, most: 200 }),
  },
  {
    family: 'wake',
    title: 'start of a job found by polling',
    subjects: ['aimq-poll'],
    slow: true,
    // Long idle: a worker looks sooner right after its queue ran empty.
    run: (bench) => runWake(bench, 15, { least: 1500, most: 2500 }),
  },
]

/**
 * @param idleMs how long the worker sleeps before each job: not in step with anybody's poll
 * @param options `keep`: what is in the queue stays there
 */
export async function runWake(
  bench: Bench,
  jobs: number,
  idleMs: { least: number; most: number },
  { keep = false } = {},
): Promise<Figure[]> {
  const { subject, place, inspector } = bench
  if (!keep) await inspector.clear()
  await using worker = new SubjectProcess()
  await using producer = new SubjectProcess()
  await worker.ask('work', { subject, place, total: jobs })
  await producer.ask('open', { subject, place, inFlight: 1 })
  await pause(500)
  for (let n = 0; n < jobs; n++) {
    await pause(idleMs.least + Math.random() * (idleMs.most - idleMs.least))
    const started = begun(worker, n + 1)
    await producer.ask('sendOne', { n })
    await started
  }
  const { latenciesMs, count } = await worker.ask('tally')
  if (count !== jobs) throw new Error(`expected ${jobs} starts, got ${count}`)
  return percentiles(latenciesMs)
}

/** When the worker has begun so many. */
export function begun(worker: SubjectProcess, count: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error(`job ${count} did not start within 2 minutes`)), 120_000)
  const look = () => {
    if (worker.ended) reject(new Error('a worker process ended before its time'))
    else if (worker.count < count) return
    clearTimeout(timer)
    resolve()
  }
  worker.onProgress(look)
  look()
  return promise
}
