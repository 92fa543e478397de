/**
 * The job loop for pgmq: handlers by queue, concurrency, leases with heartbeat, retries, dead letters.
 *
 * ```ts
 * import { createBus } from '@aimq/events'
 * import { queue } from '@aimq/queue'
 * import { worker } from '@aimq/worker'
 *
 * const bus = createBus()
 * await bus.use(queue({ connectionString: 'postgres://postgres:postgres@127.0.0.1:5432/postgres' }))
 * await bus.use(worker({ handlers: { emails: async (job) => console.log(job.payload) } }))
 * ```
 *
 * @module
 */
export { type Backoff, exponentialBackoff } from './backoff.ts'
export { WorkerError, type WorkerErrorCode, workerErrorCodes } from './errors.ts'
export { defineHandler, type Handler, type HandlerDefinition, type Handlers, type Job } from './handler.ts'
export type { WorkerOptions } from './options.ts'
export { deadLetter, type Outcome, retry, snooze } from './outcome.ts'
export type { QueuePolicy } from './policy.ts'
export { worker } from './worker.ts'
