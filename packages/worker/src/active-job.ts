import { type LeasedMessage, type MessageHeaders, summarizeError, validatePayload } from '@aimq/events'
import { type AttemptCounts, countAttempts } from './attempts.ts'
import type { Ending } from './decide.ts'
import { WorkerError, workerErrorCodes } from './errors.ts'
import type { Job } from './handler.ts'
import type { ResolvedQueue } from './options.ts'
import { asOutcome } from './outcome.ts'

/** Why a running job's signal was aborted. */
export type AbortCause = 'timed-out' | 'lease-lost' | 'shutdown'

const noHeaders: MessageHeaders = Object.freeze({})

/** One message in hand, and what its handler sees of it. */
export class ActiveJob implements Job {
  readonly queue: string
  readonly message: LeasedMessage
  readonly counts: AttemptCounts
  readonly waitedMs: number
  payload: unknown
  /** Monotonic time its handler began; undefined while it is buffered. */
  startedAt: number | undefined
  /** Monotonic time until which the lease is believed. */
  trustedUntil: number
  abortCause: AbortCause | undefined
  /** When its slot is given away although the handler has not heeded its signal. */
  giveUpAt: number | undefined
  /** The handler has ended, and what becomes of the message is on its way to the database. */
  settling = false
  // Most handlers never look at the signal; making one for each job would cost more than the rest of this object.
  #controller: AbortController | undefined

  constructor(queue: string, message: LeasedMessage, readAt: number, trustedUntil: number) {
    this.queue = queue
    this.message = message
    this.payload = message.payload
    this.counts = countAttempts(message)
    this.waitedMs = Math.max(0, readAt - message.dueAt)
    this.trustedUntil = trustedUntil
  }

  get id(): string {
    return this.message.id
  }

  get headers(): MessageHeaders {
    return this.message.headers ?? noHeaders
  }

  get attempt(): number {
    return this.counts.failures + 1
  }

  get readCount(): number {
    return this.message.readCount
  }

  get enqueuedAt(): number {
    return this.message.enqueuedAt
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.abortCause !== undefined) this.#controller.abort(abortReason(this, this.abortCause))
    }
    return this.#controller.signal
  }

  /** A lost lease overrides every other cause: nothing of the job is recorded any more. */
  abort(cause: AbortCause): void {
    if (this.abortCause !== undefined && cause !== 'lease-lost') return
    this.abortCause = cause
    this.#controller?.abort(abortReason(this, cause))
  }
}

/** Runs the handler to its end, whatever it does. */
export async function runJob(job: ActiveJob, { definition, handler }: ResolvedQueue): Promise<Ending> {
  if (definition.schema !== undefined) {
    try {
      job.payload = await validatePayload(definition, job.message.payload)
    } catch (thrown) {
      return { kind: 'dead-letter', reason: 'payload-refused', error: summarizeError(thrown) }
    }
  }
  try {
    return endingOf(await handler(job))
  } catch (thrown) {
    if (job.abortCause === 'shutdown') return { kind: 'released', reason: 'shutdown' }
    const error = summarizeError(thrown)
    return { kind: job.abortCause === 'timed-out' ? 'timed-out' : 'failed', error }
  }
}

/** The ending of a job whose handler did not heed its signal in time. */
export function endingOfStuck(job: ActiveJob, policyTimeoutMs: number): Ending {
  if (job.abortCause === 'shutdown') return { kind: 'released', reason: 'shutdown' }
  return { kind: 'timed-out', error: summarizeError(abortReason(job, 'timed-out', policyTimeoutMs)) }
}

function endingOf(answer: unknown): Ending {
  const outcome = asOutcome(answer)
  switch (outcome?.kind) {
    case undefined:
      return { kind: 'done' }
    case 'retry':
      return { kind: 'retry', delaySeconds: outcome.delaySeconds, reason: outcome.reason }
    case 'dead-letter':
      // From JavaScript the reason may be missing or anything.
      return { kind: 'dead-letter', reason: summarizeError(outcome.reason ?? 'no reason given').message }
    case 'snooze':
      return { kind: 'snooze', delaySeconds: outcome.delaySeconds }
  }
}

function abortReason(job: ActiveJob, cause: AbortCause, timeoutMs?: number): WorkerError {
  const name = `job ${job.id} of queue "${job.queue}"`
  switch (cause) {
    case 'timed-out': {
      const limit = timeoutMs === undefined ? 'its timeoutMs' : `${timeoutMs} ms`
      return new WorkerError(
        workerErrorCodes.timedOut,
        `${name} ran longer than ${limit}; it will be retried`,
      )
    }
    case 'lease-lost':
      return new WorkerError(
        workerErrorCodes.leaseLost,
        `${name} is no longer ours: its lease could not be renewed in time`,
      )
    case 'shutdown':
      return new WorkerError(
        workerErrorCodes.shutdown,
        `the worker is stopping; ${name} goes back to its queue`,
      )
  }
}
