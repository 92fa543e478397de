import type { Figure } from '../measurement.ts'
import { fill } from './fill.ts'
import { runDrain } from './run-drain.ts'
import { runWake, warmUps } from './wake.ts'
import type { Bench, Workload } from './workload.ts'

const sizes = [1000, 10_000, 100_000, 1_000_000]

/** How the figures grow with the queue. */
export const growth: readonly Workload[] = [
  ...sizes.map(
    (jobs): Workload => ({
      family: 'growth',
      title: `drain of ${jobs.toLocaleString('en-US')} jobs`,
      subjects: ['aimq-delete', 'raw', 'graphile'],
      slow: true,
      once: jobs === 1_000_000,
      run: (bench) => runDrain(bench, { jobs }),
    }),
  ),
  ...sizes.map(
    (queued): Workload => ({
      family: 'growth',
      title: `wake-up of an idle worker beside ${queued.toLocaleString('en-US')} delayed jobs`,
      subjects: ['aimq-listen'],
      slow: true,
      once: true,
      run: (bench) => wakeBeside(bench, queued),
    }),
  ),
]

async function wakeBeside(bench: Bench, queued: number): Promise<Figure[]> {
  const jobs = 60
  await bench.inspector.clear()
  await fill(bench, { count: queued, delayMs: 3_600_000, from: warmUps + jobs })
  await bench.inspector.settle()
  return await runWake(bench, jobs, { least: 25, most: 75 }, { keep: true })
}
