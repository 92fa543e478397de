import type { BusFacts } from './contract/bus.ts'
import type { JobFacts } from './contract/job.ts'
import type { QueueFacts, QueueRequests } from './contract/queue.ts'
import type { RealtimeFacts, RealtimeRequests } from './contract/realtime.ts'
import type { TriggersFacts, TriggersRequests } from './contract/triggers.ts'
import type { WorkerFacts, WorkerRequests } from './contract/worker.ts'

/**
 * Every fact that can be said on a bus: name → payload. One file per owner under `contract/`.
 * An application may add its own by `declare module '@aimq/events' { interface Facts { … } }`.
 */
export interface Facts extends BusFacts, JobFacts, QueueFacts, WorkerFacts, RealtimeFacts, TriggersFacts {}

/** Every request that can be asked on a bus: name → input and output. Extended like {@link Facts}. */
export interface Requests extends QueueRequests, WorkerRequests, RealtimeRequests, TriggersRequests {}

export type FactName = keyof Facts & string
export type RequestName = keyof Requests & string
export type RequestInput<Name extends RequestName> = Requests[Name]['input']
export type RequestOutput<Name extends RequestName> = Requests[Name]['output']
