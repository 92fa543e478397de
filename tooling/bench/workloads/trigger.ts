import type { SubjectName } from '../subjects/index.ts'
import { send } from './enqueue.ts'
import type { Workload } from './workload.ts'

const subjects: readonly SubjectName[] = ['raw', 'raw-triggered', 'raw-listen']

/** What the wake-up trigger costs a producer that is plain SQL and shares no statement with anybody. */
export const trigger: readonly Workload[] = [
  {
    family: 'trigger',
    title: 'pgmq.send one by one, 8 in flight, with and without a trigger',
    subjects,
    run: (bench) =>
      send(bench, 8, (producer) =>
        producer.ask('sendSingly', { inFlight: 8, ms: bench.quick ? 1500 : 3000 }),
      ),
  },
  {
    family: 'trigger',
    title: 'pgmq.send_batch of 1000, with and without a trigger',
    subjects,
    run: (bench) =>
      send(bench, 1, (producer) =>
        producer.ask('sendBatches', { count: bench.quick ? 20_000 : 400_000, size: 1000 }),
      ),
  },
]
