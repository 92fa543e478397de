import { setTimeout as pause } from 'node:timers/promises'
import { type Figure, percentiles } from '../measurement.ts'
import { SubjectProcess } from '../process/subject-process.ts'
import { checkOnce } from './run-drain.ts'
import type { Bench, Workload } from './workload.ts'

/** The first few run code that has not run before and open connections, whoever is measured: they are not counted. */
export const warmUps = 10

/** From just before a producer in another process sends one job, its durable commit included, to the start of its handler. */
export const wake: readonly Workload[] = [
  {
    family: 'wake',
    title: 'wake-up of an idle worker',
    subjects: ['raw-listen', 'aimq-listen', 'graphile-single', 'pg-boss', 'bullmq'],
    run: (bench) => runWake(bench, bench.quick ? 60 : 400, { least: 25, most: 75 }),
  },
  {
    family: 'wake',
    title: 'wake-up of an idle worker over Realtime',
    subjects: ['aimq-realtime'],
    // Its trigger says one hint in 100 ms and queue: closer jobs wait for one another.
    run: (bench) => runWake(bench, bench.quick ? 30 : 200, { least: 120, most: 200 }),
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
  idleMs: IdleMs,
  { keep = false } = {},
): Promise<Figure[]> {
  const { subject, place, workerPlace = place, inspector } = bench
  if (!keep) await inspector.clear()
  await using worker = new SubjectProcess()
  await using producer = new SubjectProcess()
  await worker.ask('work', { subject, place: workerPlace, total: warmUps + jobs })
  await producer.ask('open', { subject, place, inFlight: 1 })
  await pause(500)
  return percentiles(await wakeAgainAndAgain({ worker, producer }, jobs, idleMs))
}

export interface IdleMs {
  readonly least: number
  readonly most: number
}

/** Sends one job after the other, each to a worker that is idle. How long each waited, in milliseconds. */
export async function wakeAgainAndAgain(
  { worker, producer }: Record<'worker' | 'producer', SubjectProcess>,
  jobs: number,
  idleMs: IdleMs,
): Promise<Float64Array> {
  const total = warmUps + jobs
  for (let n = 0; n < total; n++) {
    await pause(idleMs.least + Math.random() * (idleMs.most - idleMs.least))
    const started = begun(worker, n + 1)
    await producer.ask('sendOne', { n })
    await started
  }
  const tally = await worker.ask('tally')
  checkOnce([tally], total)
  return tally.latenciesMs.subarray(warmUps)
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
