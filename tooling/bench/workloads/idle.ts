import { setTimeout as pause } from 'node:timers/promises'
import { StatementCounter } from '../machine/statement-counter.ts'
import type { Figure } from '../measurement.ts'
import { SubjectProcess } from '../process/subject-process.ts'
import { subjectOf } from '../subjects/index.ts'
import type { Bench, Workload } from './workload.ts'

/**
 * What a worker with nothing to do costs. All at the same time, each in its own database, by way of a counter of the
 * statements it sends; those of BullMQ are commands of Redis.
 */
export const idle: readonly Workload[] = [
  {
    family: 'idle',
    title: 'an idle worker',
    subjects: ['aimq', 'aimq-listen', 'raw-listen', 'graphile-single', 'pg-boss', 'bullmq'],
    together: true,
    run: (bench) => runIdle(bench, bench.quick ? 15 : 60),
  },
]

/** The bustle of the start is over by then. */
const settleMs = 10_000

async function runIdle(bench: Bench, seconds: number): Promise<Figure[]> {
  const { subject, place, inspector, servers } = bench
  await inspector.clear()
  await using counter = await StatementCounter.before(place.postgres)
  await using worker = new SubjectProcess()
  await worker.ask('work', { subject, place: { ...place, postgres: counter.url }, total: 0 })
  await pause(settleMs)
  const look = async () => ({
    statements: subjectOf(subject).needsRedis ? await servers.redisCommands() : counter.count,
    serverUs: await servers.cpuOfDatabase(subject),
    nodeUs: (await worker.ask('tally')).cpuUs,
  })
  const before = await look()
  await pause(seconds * 1000)
  const after = await look()
  const perMinute = (name: keyof typeof before) => (Math.max(0, after[name] - before[name]) / seconds) * 60
  return [
    { unit: 'statements/min', value: perMinute('statements'), better: 'lower' },
    { metric: 'CPU in Node', unit: 'ms/min', value: perMinute('nodeUs') / 1000, better: 'lower' },
    { metric: 'CPU in the server', unit: 'ms/min', value: perMinute('serverUs') / 1000, better: 'lower' },
  ]
}
