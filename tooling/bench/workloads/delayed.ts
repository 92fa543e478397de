import type { SubjectName } from '../subjects/index.ts'
import { runDrain } from './run-drain.ts'
import type { Workload } from './workload.ts'

const subjects: readonly SubjectName[] = ['aimq-delete', 'raw', 'graphile', 'pg-boss', 'bullmq']

/** Jobs of tomorrow must not slow down those of today. Compare with the drain of 50,000 without them. */
export const delayed: readonly Workload[] = [
  {
    family: 'delayed',
    title: 'drain of 50,000 jobs beside 200,000 delayed ones',
    subjects,
    slow: true,
    run: (bench) => runDrain(bench, { jobs: 50_000, delayed: 200_000 }),
  },
]
