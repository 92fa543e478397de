import { AimqError } from '@aimq/events'

export const workerErrorCodes = {
  invalidOptions: 'worker/invalid-options',
  /** The worker was started on a bus where nobody answers `queue:*`. */
  noQueue: 'worker/no-queue',
  /** A request named a queue this worker does not work. */
  unknownQueue: 'worker/unknown-queue',
  /** The handler ran longer than its `timeoutMs`: the reason its signal aborted, and what is recorded. */
  timedOut: 'worker/timed-out',
  /** The job is no longer ours: the reason its signal aborted. */
  leaseLost: 'worker/lease-lost',
  /** The worker stops and its grace period is over: the reason a job's signal aborted. */
  shutdown: 'worker/shutdown',
  /** The job took its worker down, or outlived its lease, too often. */
  crashedTooOften: 'worker/crashed-too-often',
  /** The handler answered `retry` or `snooze` with something that is no delay, or an outcome nobody knows. */
  invalidOutcome: 'worker/invalid-outcome',
  /** The handler asked for a retry with `retry({ … })`. */
  retryRequested: 'worker/retry-requested',
} as const

export type WorkerErrorCode = (typeof workerErrorCodes)[keyof typeof workerErrorCodes]

export class WorkerError extends AimqError<WorkerErrorCode> {}
