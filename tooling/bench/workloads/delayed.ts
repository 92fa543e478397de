import type { Figure } from '../measurement.ts'
import type { SubjectName } from '../subjects/index.ts'
import { runDrain } from './run-drain.ts'
import type { Bench, Workload } from './workload.ts'

const subjects: readonly SubjectName[] = ['aimq-delete', 'raw', 'graphile', 'pg-boss', 'bullmq']

/** Jobs of tomorrow must not slow down those of today. */
export const delayed: readonly Workload[] = [
  {
    family: 'delayed',
    title: 'drain of 50,000 jobs beside 200,000 delayed ones',
    subjects,
    slow: true,
    run: runBeside,
  },
]

/** Once without them right before, since a machine is not as quick half an hour later. */
async function runBeside(bench: Bench): Promise<Figure[]> {
  const [rate] = await runDrain(bench, { jobs: 50_000 })
  const beside = await runDrain(bench, { jobs: 50_000, delayed: 200_000 })
  const share: Figure = {
    metric: 'of the rate without them',
    unit: '%',
    value: (100 * (beside[0]?.value ?? 0)) / (rate?.value ?? 0),
    better: 'higher',
  }
  return [...beside.slice(0, 1), share, ...beside.slice(1)]
}
