import { runDrain } from './run-drain.ts'
import type { Workload } from './workload.ts'

/** Handlers that wait, as for a web service. */
export const io: readonly Workload[] = [
  {
    family: 'io',
    title: 'handlers that wait 20 ms, 100 at once',
    subjects: ['aimq', 'graphile', 'pg-boss', 'bullmq'],
    run: (bench) => runDrain(bench, { jobs: bench.quick ? 5000 : 15_000, holdMs: 20, concurrency: 100 }),
  },
  {
    family: 'io',
    title: 'handlers that wait 1 ms, 20 at once',
    subjects: ['aimq', 'graphile', 'pg-boss', 'bullmq'],
    slow: true,
    run: (bench) => runDrain(bench, { jobs: 30_000, holdMs: 1, concurrency: 20 }),
  },
]
