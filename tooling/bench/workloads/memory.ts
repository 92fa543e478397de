import { setTimeout as pause } from 'node:timers/promises'
import type { Figure } from '../measurement.ts'
import { SubjectProcess } from '../process/subject-process.ts'
import { fillUnseen } from './fill.ts'
import { begun } from './wake.ts'
import type { Bench, Workload } from './workload.ts'

const legs = 5
const jobsPerLeg = 200_000

/** For Node. Left to itself it gives young objects up to 128 MB where the machine has room. */
export const smallYoungSpace = {
  flags: ['--max-semi-space-size=4'],
  label: 'less room for young objects (node --max-semi-space-size=4)',
}

/** One worker process that works a million jobs. */
export const memory: readonly Workload[] = [
  {
    family: 'memory',
    title: 'memory of one worker over 1,000,000 jobs',
    subjects: ['aimq'],
    slow: true,
    once: true,
    run: (bench) => runMemory(bench),
  },
  {
    family: 'memory',
    title: `memory of one worker over 1,000,000 jobs, with ${smallYoungSpace.label}`,
    subjects: ['aimq'],
    slow: true,
    once: true,
    run: (bench) => runMemory(bench, smallYoungSpace.flags),
  },
]

async function runMemory(bench: Bench, flags: readonly string[] = []): Promise<Figure[]> {
  const { subject, place, inspector } = bench
  await inspector.clear()
  await using worker = new SubjectProcess(flags)
  await worker.ask('work', { subject, place, total: legs * jobsPerLeg })
  const rssMb: number[] = []
  for (let leg = 0; leg < legs; leg++) {
    await fillUnseen(bench, { count: jobsPerLeg, from: leg * jobsPerLeg })
    await begun(worker, (leg + 1) * jobsPerLeg)
    while (!(await inspector.isEmpty())) await pause(20)
    rssMb.push((await worker.ask('tally')).rssMb)
  }
  return rssMb.map((value, leg) => ({
    metric: `after ${((leg + 1) * jobsPerLeg).toLocaleString('en-US')}`,
    unit: 'MB RSS',
    value,
    better: 'lower',
  }))
}
