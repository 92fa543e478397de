import { runDrain } from './run-drain.ts'
import type { Workload } from './workload.ts'

const several = (processes: number): Workload => ({
  family: 'processes',
  title: `drain of 200,000 jobs, ${processes} processes`,
  subjects: ['aimq', 'aimq-delete', 'raw', 'graphile', 'pg-boss', 'bullmq'],
  slow: true,
  run: (bench) => runDrain(bench, { jobs: 200_000, processes }),
})

/** Several workers on one queue: no job runs twice. */
export const processes: readonly Workload[] = [several(2), several(4)]
