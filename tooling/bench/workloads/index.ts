import { drain } from './drain.ts'
import { enqueue } from './enqueue.ts'
import { wake } from './wake.ts'
import type { Workload } from './workload.ts'

/** Everything that is measured, in this order. */
export const workloads: readonly Workload[] = [...drain, ...enqueue, ...wake]
