import type { SubjectName } from '../subjects/index.ts'
import { runDrain } from './run-drain.ts'
import type { Workload } from './workload.ts'

const best: readonly SubjectName[] = [
  'aimq',
  'aimq-delete',
  'aimq-best',
  'raw',
  'raw-archive',
  'graphile',
  'pg-boss',
  'bullmq',
]
const comparable: readonly SubjectName[] = ['graphile-10', 'pg-boss-10', 'bullmq-10']

/** One worker process, handlers that do nothing. */
export const drain: readonly Workload[] = [
  {
    family: 'drain',
    title: 'drain of 50,000 jobs, one process',
    subjects: [...best, ...comparable],
    run: (bench) => runDrain(bench, { jobs: 50_000 }),
  },
  {
    family: 'drain',
    title: 'drain of 200,000 jobs, one process',
    subjects: best,
    slow: true,
    run: (bench) => runDrain(bench, { jobs: 200_000 }),
  },
]
