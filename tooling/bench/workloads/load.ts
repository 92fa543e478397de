import { type Figure, percentiles } from '../measurement.ts'
import { SubjectProcess } from '../process/subject-process.ts'
import type { SteadyInput } from '../process/tasks.ts'
import { checkOnce } from './run-drain.ts'
import { begun } from './wake.ts'
import type { Bench, Workload } from './workload.ts'

/** The first second runs code that has not run before and opens connections, whoever is measured: it is not counted. */
const warmUpSeconds = 1

/** From just before the send to the start of the handler, while jobs keep coming. */
export const load: readonly Workload[] = [
  {
    family: 'load',
    title: 'latency at 500 jobs/s, single calls',
    subjects: ['aimq-listen', 'raw-listen', 'graphile-single', 'graphile-10', 'pg-boss', 'bullmq'],
    run: (bench) => runLoad(bench, { perSecond: 500, seconds: bench.quick ? 4 : 10, batch: 1 }),
  },
  {
    family: 'load',
    title: 'latency at 2,000 jobs/s, one call every 5 ms',
    subjects: ['aimq-listen', 'raw-listen', 'graphile-10', 'pg-boss', 'bullmq'],
    slow: true,
    run: (bench) => runLoad(bench, { perSecond: 2000, seconds: 10, batch: 10 }),
  },
  {
    family: 'load',
    title: 'latency at 2,000 jobs/s, single calls',
    subjects: ['aimq-listen', 'raw-listen', 'bullmq'],
    slow: true,
    run: (bench) => runLoad(bench, { perSecond: 2000, seconds: 10, batch: 1 }),
  },
]

/** How late a job starts that was sent with a delay of two seconds; its commit counts as lateness, too. */
export const delay: readonly Workload[] = [
  {
    family: 'delay',
    title: 'lateness of a job delayed by 2 s',
    subjects: ['aimq-listen', 'graphile-single', 'pg-boss', 'bullmq'],
    run: (bench) => runLoad(bench, { perSecond: 25, seconds: bench.quick ? 2 : 6, batch: 1, delayMs: 2000 }),
  },
]

async function runLoad(bench: Bench, wish: SteadyInput): Promise<Figure[]> {
  const { subject, place, inspector } = bench
  const seconds = warmUpSeconds + wish.seconds
  const total = wish.perSecond * seconds
  await inspector.clear()
  await using worker = new SubjectProcess()
  await using producer = new SubjectProcess()
  await worker.ask('work', { subject, place, total })
  await producer.ask('open', { subject, place, inFlight: 8 })
  await producer.ask('sendSteadily', { ...wish, seconds })
  await begun(worker, total)
  const tally = await worker.ask('tally')
  checkOnce([tally], total)
  const counted = tally.latenciesMs.subarray(wish.perSecond * warmUpSeconds)
  const { delayMs = 0 } = wish
  return percentiles(counted.map((latencyMs) => latencyMs - delayMs))
}
