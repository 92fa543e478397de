import type { Figure } from '../measurement.ts'
import type { SubjectName } from '../subjects/index.ts'
import { runDrain } from './run-drain.ts'
import type { Bench, Workload } from './workload.ts'

const subjects: readonly SubjectName[] = ['aimq-delete', 'raw', 'graphile', 'pg-boss', 'bullmq']

/** Jobs of tomorrow must not slow down those of today. */
export const delayed: readonly Workload[] = [
  {
    family: 'delayed',
    title: 'drain of 100,000 jobs beside 200,000 delayed ones',
    subjects,
    slow: true,
    run: runBeside,
  },
]

/**
 * Twice with them, and once without before and after: a machine is not as quick half an hour later, and a drain of a
 * second is quicker or slower than the next by more than they cost.
 */
async function runBeside(bench: Bench): Promise<Figure[]> {
  const alone = () => runDrain(bench, { jobs: 100_000 })
  const beside = () => runDrain(bench, { jobs: 100_000, delayed: 200_000 })
  const before = await alone()
  const runs = [await beside(), await beside()]
  const after = await alone()
  const rate: Figure = { unit: 'jobs/s', value: meanRate(runs), better: 'higher' }
  const share: Figure = {
    metric: 'of the rate without them',
    unit: '%',
    value: (100 * rate.value) / meanRate([before, after]),
    better: 'higher',
  }
  return [rate, share, ...(runs[1]?.slice(1) ?? [])]
}

/** Of so many jobs each: what they took in sum counts. */
function meanRate(runs: readonly Figure[][]): number {
  const seconds = runs.map(([rate]) => 1 / (rate?.value ?? 0))
  return runs.length / seconds.reduce((sum, each) => sum + each, 0)
}
