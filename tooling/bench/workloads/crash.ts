import { microseconds } from '../clock.ts'
import type { Figure } from '../measurement.ts'
import { SubjectProcess } from '../process/subject-process.ts'
import { fill } from './fill.ts'
import { begun } from './wake.ts'
import type { Bench, Workload } from './workload.ts'

const jobs = 10

/** From `kill -9` of a worker to when another has begun its ten jobs. graphile-worker takes four hours, pg-boss fifteen minutes. */
export const crash: readonly Workload[] = [
  {
    family: 'crash',
    title: 'recovery of the jobs of a killed worker',
    subjects: ['aimq', 'bullmq-10'],
    slow: true,
    together: true,
    run: runCrash,
  },
]

async function runCrash(bench: Bench): Promise<Figure[]> {
  const { subject, place, inspector } = bench
  await inspector.clear()
  const victim = new SubjectProcess()
  await using heir = new SubjectProcess()
  await victim.ask('work', { subject, place, total: jobs, holdMs: 600_000 })
  await fill(bench, { count: jobs })
  await begun(victim, jobs)
  await heir.ask('work', { subject, place, total: jobs })
  const killedAt = microseconds()
  victim.kill()
  await begun(heir, jobs)
  return [{ unit: 's', value: (microseconds() - killedAt) / 1e6, better: 'lower' }]
}
