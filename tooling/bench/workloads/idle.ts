import { setTimeout as pause } from 'node:timers/promises'
import { startTcpProxy } from '../../faults/harness/tcp-proxy.ts'
import { StatementCount } from '../machine/statement-count.ts'
import type { Figure } from '../measurement.ts'
import { SubjectProcess } from '../process/subject-process.ts'
import { subjectOf } from '../subjects/index.ts'
import type { Bench, Workload } from './workload.ts'

/**
 * What a worker with nothing to do costs. All at the same time, each in its own database, and by way of a proxy that
 * hears the statements they send; those of BullMQ are commands of Redis.
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
  const sent = new StatementCount()
  await using way = await startTcpProxy(place.postgres, sent.ofClient)
  await using worker = new SubjectProcess()
  await worker.ask('work', { subject, place: { ...place, postgres: way.url }, total: 0 })
  await pause(settleMs)
  const look = async () => ({
    statements: subjectOf(subject).needsRedis ? await servers.redisCommands() : sent.total,
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
