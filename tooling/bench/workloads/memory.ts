import { setTimeout as pause } from 'node:timers/promises'
import type { Figure } from '../measurement.ts'
import { SubjectProcess } from '../process/subject-process.ts'
import { fillUnseen } from './fill.ts'
import { begun } from './wake.ts'
import { type Bench, inContainer, type Workload } from './workload.ts'

const legs = 5
const jobsPerLeg = 200_000

/** One worker process that works a million jobs, with all the memory of the machine and in as little as a container has. */
export const memory: readonly Workload[] = [undefined, 1024, 512].map((megabytes) => ({
  family: 'memory',
  title: `memory of one worker over 1,000,000 jobs${inContainer(megabytes)}`,
  subjects: ['aimq'],
  slow: true,
  once: true,
  memoryLimitMb: megabytes,
  run: runMemory,
}))

async function runMemory(bench: Bench): Promise<Figure[]> {
  const { subject, place, inspector, memoryLimit } = bench
  await inspector.clear()
  await using worker = new SubjectProcess(memoryLimit)
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
