import { setTimeout as pause } from 'node:timers/promises'
import { type Figure, percentiles } from '../measurement.ts'
import { SubjectProcess } from '../process/subject-process.ts'
import { type Room, rooms } from './rooms.ts'
import { wakeAgainAndAgain, warmUps } from './wake.ts'
import type { Bench, Workload } from './workload.ts'

const jobs = 100

/** A worker with a thousand queues, nearly all of them always empty. */
export const manyQueues: readonly Workload[] = rooms(512).map((room) => ({
  family: 'many-queues',
  title: `one worker with 1,000 idle queues${room.title}`,
  subjects: ['aimq-1000'],
  slow: true,
  memoryLimitMb: room.memoryLimitMb,
  run: (bench) => runManyQueues(bench, room),
}))

async function runManyQueues(bench: Bench, { flags }: Room): Promise<Figure[]> {
  const { subject, place, inspector, memoryLimit } = bench
  await inspector.clear()
  await using worker = new SubjectProcess({ limit: memoryLimit, flags })
  await using producer = new SubjectProcess()
  await worker.ask('work', { subject, place, total: warmUps + jobs })
  await producer.ask('open', { subject, place, inFlight: 1 })
  await pause(10_000)
  const before = await worker.ask('tally')
  const seconds = 20
  await pause(seconds * 1000)
  const after = await worker.ask('tally')
  const latenciesMs = await wakeAgainAndAgain({ worker, producer }, jobs, { least: 25, most: 75 })
  return [
    { metric: 'memory', unit: 'MB RSS', value: after.rssMb, better: 'lower' },
    {
      metric: 'CPU',
      unit: '% of a core',
      value: (after.cpuUs - before.cpuUs) / seconds / 1e4,
      better: 'lower',
    },
    ...percentiles(latenciesMs).map((figure) => ({ ...figure, metric: `wake-up ${figure.metric}` })),
  ]
}
