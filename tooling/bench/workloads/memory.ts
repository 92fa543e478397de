import { setTimeout as pause } from 'node:timers/promises'
import type { Figure } from '../measurement.ts'
import { SubjectProcess } from '../process/subject-process.ts'
import { fillUnseen } from './fill.ts'
import { type Room, rooms } from './rooms.ts'
import { begun } from './wake.ts'
import type { Bench, Workload } from './workload.ts'

const legs = 5
const jobsPerLeg = 200_000

/** One worker process that works a million jobs. */
export const memory: readonly Workload[] = rooms(1024, 512).map((room) => ({
  family: 'memory',
  title: `memory of one worker over 1,000,000 jobs${room.title}`,
  subjects: ['aimq'],
  slow: true,
  once: true,
  memoryLimitMb: room.memoryLimitMb,
  run: (bench) => runMemory(bench, room),
}))

async function runMemory(bench: Bench, { flags }: Room): Promise<Figure[]> {
  const { subject, place, inspector, memoryLimit } = bench
  await inspector.clear()
  await using worker = new SubjectProcess({ limit: memoryLimit, flags })
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
