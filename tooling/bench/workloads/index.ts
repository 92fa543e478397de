import { crash } from './crash.ts'
import { delayed } from './delayed.ts'
import { drain } from './drain.ts'
import { enqueue } from './enqueue.ts'
import { far } from './far.ts'
import { growth } from './growth.ts'
import { idle } from './idle.ts'
import { io } from './io.ts'
import { delay, load } from './load.ts'
import { manyQueues } from './many-queues.ts'
import { memory } from './memory.ts'
import { openTransaction } from './open-transaction.ts'
import { processes } from './processes.ts'
import { trigger } from './trigger.ts'
import { wake } from './wake.ts'
import type { Workload } from './workload.ts'

/** Everything that is measured, in this order. */
export const workloads: readonly Workload[] = [
  ...drain,
  ...processes,
  ...io,
  ...enqueue,
  ...trigger,
  ...wake,
  ...load,
  ...delay,
  ...idle,
  ...crash,
  ...delayed,
  ...openTransaction,
  ...far,
  ...memory,
  ...manyQueues,
  ...growth,
]
