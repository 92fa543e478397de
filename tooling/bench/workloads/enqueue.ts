import type { Figure } from '../measurement.ts'
import { SubjectProcess } from '../process/subject-process.ts'
import type { Sent } from '../process/tasks.ts'
import type { SubjectName } from '../subjects/index.ts'
import type { Bench, Workload } from './workload.ts'

const subjects: readonly SubjectName[] = [
  'aimq',
  'aimq-listen',
  'raw-insert',
  'raw',
  'raw-listen',
  'graphile',
  'pg-boss',
  'bullmq',
]

const singly = (inFlight: number): Workload => ({
  family: 'enqueue',
  title: `enqueue one by one, ${inFlight} in flight`,
  subjects,
  run: (bench) =>
    send(bench, inFlight, (producer) =>
      producer.ask('sendSingly', { inFlight, ms: bench.quick ? 1500 : 3000 }),
    ),
})

/** No worker runs. AIMQ and the raw LISTEN loop with the wake-up trigger on, as in production. */
export const enqueue: readonly Workload[] = [
  singly(1),
  singly(8),
  singly(100),
  {
    family: 'enqueue',
    title: 'enqueue in batches of 1000',
    subjects,
    run: (bench) =>
      send(bench, 1, (producer) =>
        producer.ask('sendBatches', { count: bench.quick ? 20_000 : 100_000, size: 1000 }),
      ),
  },
]

export async function send(
  { subject, place, inspector, servers }: Bench,
  inFlight: number,
  work: (producer: SubjectProcess) => Promise<Sent>,
): Promise<Figure[]> {
  await inspector.clear()
  await using producer = new SubjectProcess()
  await producer.ask('open', { subject, place, inFlight })
  // Connections, plans and the queue's shape are there before the clock starts.
  await producer.ask('sendSingly', { inFlight, ms: 200 })
  const before = await inspector.count()
  const cpu = servers.cpu(subject)
  const { count, elapsedUs } = await work(producer)
  const cpuAfter = servers.cpu(subject)
  const added = (await inspector.count()) - before
  if (added !== count) throw new Error(`expected ${count} jobs more in the queue, found ${added}`)
  return [
    { unit: 'jobs/s', value: count / (elapsedUs / 1e6), better: 'higher' },
    ...(cpu === undefined || cpuAfter === undefined
      ? []
      : [
          {
            metric: 'CPU in the server',
            unit: 'µs/job',
            value: (cpuAfter - cpu) / count,
            better: 'lower',
          } as const,
        ]),
  ]
}
