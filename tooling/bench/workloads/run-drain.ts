import { setTimeout as pause } from 'node:timers/promises'
import { microseconds } from '../clock.ts'
import type { Figure } from '../measurement.ts'
import { SubjectProcess } from '../process/subject-process.ts'
import type { WorkTally } from '../process/tasks.ts'
import { fill } from './fill.ts'
import type { Bench } from './workload.ts'

export interface DrainWish {
  readonly jobs: number
  readonly processes?: number
  readonly concurrency?: number
  readonly holdMs?: number
  /** So many jobs that are due in an hour stand in the queue as well. */
  readonly delayed?: number
}

/** Longer than any honest run: what takes longer has lost a job. */
const patienceMs = 180_000

/**
 * Fills the queue, starts workers, and measures from the first handler to the moment when the database says that nothing
 * is left. Every job must have run, and none twice.
 */
export async function runDrain(bench: Bench, wish: DrainWish): Promise<Figure[]> {
  const { subject, place, workerPlace = place, inspector, servers } = bench
  const { jobs, processes = 1, concurrency, holdMs, delayed = 0 } = wish
  await inspector.clear()
  if (delayed > 0) await fill(bench, { count: delayed, delayMs: 3_600_000, from: jobs })
  await fill(bench, { count: jobs })
  await inspector.settle()

  const workers = Array.from({ length: processes }, () => new SubjectProcess())
  try {
    let cpuAtFirst: number | undefined
    const begun = firstProgress(workers).then(() => {
      cpuAtFirst = servers.cpu(subject)
    })
    const done = allBegun(workers, jobs)
    await Promise.all(
      workers.map((worker) =>
        worker.ask('work', { subject, place: workerPlace, total: jobs, concurrency, holdMs }),
      ),
    )
    await begun
    await done
    const end = await emptied(bench)
    const cpuAtEnd = servers.cpu(subject)
    const tallies = await Promise.all(workers.map((worker) => worker.ask('tally')))
    checkOnce(tallies, jobs)
    const first = Math.min(...tallies.map(({ firstAt }) => firstAt).filter((at) => at > 0))
    const cpu = tallies.reduce((sum, tally) => sum + tally.cpuSinceFirstUs, 0)
    const rate = jobs / ((end - first) / 1e6)
    const heldMs = tallies.reduce((sum, tally) => sum + tally.heldMs, 0)
    return [
      { unit: 'jobs/s', value: rate, better: 'higher' },
      // A timer of 20 ms takes a little longer: the limit is what the handlers really waited.
      ...(concurrency === undefined || heldMs === 0
        ? []
        : [
            {
              metric: 'share of what so many handlers can do',
              unit: '%',
              value: (100 * rate * heldMs) / jobs / 1000 / concurrency,
              better: 'higher',
            } as const,
          ]),
      { metric: 'CPU in Node', unit: 'µs/job', value: cpu / jobs, better: 'lower' },
      ...(cpuAtFirst === undefined || cpuAtEnd === undefined
        ? []
        : [
            {
              metric: 'CPU in the server',
              unit: 'µs/job',
              value: (cpuAtEnd - cpuAtFirst) / jobs,
              better: 'lower',
            } as const,
          ]),
      {
        metric: 'memory',
        unit: 'MB RSS',
        value: Math.max(...tallies.map(({ rssMb }) => rssMb)),
        better: 'lower',
      },
    ]
  } finally {
    await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()))
  }
}

/** When the database says that nothing is left, asked so often: the time just before it was asked. */
export async function emptied({ inspector }: Bench, everyMs = 2): Promise<number> {
  const limit = microseconds() + patienceMs * 1000
  for (;;) {
    const asked = microseconds()
    if (await inspector.isEmpty()) return asked
    if (asked > limit) {
      throw new Error(`${await inspector.count()} jobs are not done after ${patienceMs / 1000} s`)
    }
    await pause(everyMs)
  }
}

function firstProgress(workers: readonly SubjectProcess[]): Promise<void> {
  return reached(workers, () => workers.some((worker) => worker.count > 0))
}

function allBegun(workers: readonly SubjectProcess[], jobs: number): Promise<void> {
  return reached(workers, () => workers.reduce((sum, worker) => sum + worker.count, 0) >= jobs)
}

const watchers = new WeakMap<SubjectProcess, Set<() => void>>()

function reached(workers: readonly SubjectProcess[], holds: () => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => {
    const counts = workers.map((worker) => worker.count).join(' + ')
    reject(new Error(`expected every job to begin within ${patienceMs / 1000} s; begun so far: ${counts}`))
  }, patienceMs)
  const look = () => {
    if (workers.some((worker) => worker.ended)) reject(new Error('a worker process ended before its time'))
    else if (!holds()) return
    clearTimeout(timer)
    resolve()
  }
  for (const worker of workers) {
    const known = watchers.get(worker) ?? new Set()
    watchers.set(worker, known.add(look))
    worker.onProgress(() => {
      for (const watcher of known) watcher()
    })
  }
  return promise
}

/** Every job exactly once, over all workers. */
export function checkOnce(tallies: readonly WorkTally[], jobs: number): void {
  let missing = 0
  let twice = 0
  for (let n = 0; n < jobs; n++) {
    const times = tallies.reduce((sum, { seen }) => sum + (seen[n] ?? 0), 0)
    if (times === 0) missing++
    if (times > 1) twice++
  }
  if (missing > 0 || twice > 0)
    throw new Error(
      `expected ${jobs} jobs to run once each; ${missing} never ran, ${twice} ran more than once`,
    )
}
