import { type LeasedMessage, type MessageHeaders, summarizeError, validatePayload } from '@aimq/events'
import { type AttemptCounts, countAttempts } from './attempts.ts'
import type { Ending } from './decide.ts'
import { WorkerError, workerErrorCodes } from './errors.ts'
import type { Handler, Job } from './handler.ts'
import type { ResolvedQueue } from './options.ts'
import { asOutcome } from './outcome.ts'

/** Why a running job's signal was aborted. */
export type AbortCause = 'timed-out' | 'lease-lost' | 'shutdown'

/** One message in hand. */
export class ActiveJob {
  readonly queue: string
  /** As last read: a job that is settled too late, and read again meanwhile, is settled under its new lease. */
  message: LeasedMessage
  readonly counts: AttemptCounts
  readonly waitedMs: number
  /** Monotonic time at which it came into hand: some time after the read was sent. */
  readonly takenAt: number
  /** Monotonic time its handler began; undefined while it is buffered. */
  startedAt: number | undefined
  /** Monotonic time until which the lease is believed. */
  trustedUntil: number
  abortCause: AbortCause | undefined
  /** When its slot is given away although the handler has not heeded its signal. */
  giveUpAt: number | undefined
  /** The handler has begun, and has neither ended nor been given up. */
  running = false
  /** The handler has ended, and what becomes of the message is on its way to the database. */
  settling = false
  /** What becomes of it is to go back into the queue. */
  releasing = false
  /** It is on its way into the database, and not as a dead letter. */
  leaving = false
  // Most handlers never look at the signal; making one for each job would cost more than the rest of this object.
  #controller: AbortController | undefined

  constructor(queue: string, message: LeasedMessage, readAt: number, takenAt: number, trustedUntil: number) {
    this.queue = queue
    this.message = message
    this.counts = countAttempts(message)
    this.waitedMs = Math.max(0, readAt - message.dueAt)
    this.takenAt = takenAt
    this.trustedUntil = trustedUntil
  }

  get id(): string {
    return this.message.id
  }

  get attempt(): number {
    return this.counts.failures + 1
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

/** What the handler sees of it. Its own object, so that nothing a handler does to it reaches the worker. */
class JobView implements Job {
  readonly queue: string
  readonly id: string
  readonly payload: unknown
  readonly headers: MessageHeaders
  readonly attempt: number
  readonly readCount: number
  readonly enqueuedAt: number
  readonly waitedMs: number
  readonly #job: ActiveJob

  constructor(job: ActiveJob, payload: unknown) {
    const { id, headers, readCount, enqueuedAt } = job.message
    this.queue = job.queue
    this.id = id
    this.payload = payload
    this.headers = headers ?? {}
    this.attempt = job.attempt
    this.readCount = readCount
    this.enqueuedAt = enqueuedAt
    this.waitedMs = job.waitedMs
    this.#job = job
  }

  get signal(): AbortSignal {
    return this.#job.signal
  }
}

/** Told of each job once, in a later turn than it was started in. */
export type OnEnding = (job: ActiveJob, ending: Ending) => void

/** Runs the handler to its end, whatever it does. Makes as little as it can: there is one call for each job. */
export function runJob(job: ActiveJob, { definition, handler }: ResolvedQueue, onEnding: OnEnding): void {
  const { payload } = job.message
  if (definition.schema === undefined) {
    runHandler(job, handler, payload, onEnding)
    return
  }
  validatePayload(definition, payload).then(
    (valid) => runHandler(job, handler, valid, onEnding),
    (thrown) => onEnding(job, endingOfRefused(thrown)),
  )
}

function runHandler(job: ActiveJob, handler: Handler, payload: unknown, onEnding: OnEnding): void {
  const threw = (thrown: unknown) => onEnding(job, endingOfThrown(job, thrown))
  try {
    const answer = handler(new JobView(job, payload))
    // By name, as a promise may have a `then` of its own.
    Promise.prototype.then.call(
      Promise.resolve(answer),
      (value) => onEnding(job, endingOf(job, value)),
      threw,
    )
  } catch (thrown) {
    queueMicrotask(() => threw(thrown))
  }
}

function endingOfRefused(thrown: unknown): Ending {
  const error = summarizeError(thrown)
  // A validator that throws has a trouble of its own, and that may pass.
  if (error.code !== 'events/payload-refused') return { kind: 'failed', error }
  return { kind: 'dead-letter', reason: 'payload-refused', error }
}

function endingOfThrown(job: ActiveJob, thrown: unknown): Ending {
  if (job.abortCause === 'shutdown') return { kind: 'released', reason: 'shutdown' }
  const error = summarizeError(thrown)
  return { kind: job.abortCause === 'timed-out' ? 'timed-out' : 'failed', error }
}

/** The ending of a job whose handler did not heed its signal in time. */
export function endingOfStuck(job: ActiveJob, policyTimeoutMs: number): Ending {
  if (job.abortCause === 'shutdown') return { kind: 'released', reason: 'shutdown' }
  return { kind: 'timed-out', error: summarizeError(abortReason(job, 'timed-out', policyTimeoutMs)) }
}

/** What a handler answered may throw, too: a proxy, say, when it is looked at. */
function endingOf(job: ActiveJob, answer: unknown): Ending {
  try {
    const outcome = asOutcome(answer)
    return outcome === undefined ? done : endingOfOutcome(outcome)
  } catch (thrown) {
    return endingOfThrown(job, thrown)
  }
}

const done: Ending = { kind: 'done' }

function endingOfOutcome(outcome: object): Ending {
  const { kind, delaySeconds, reason } = outcome as {
    kind: unknown
    delaySeconds?: unknown
    reason?: unknown
  }
  const delay = typeof delaySeconds === 'number' && delaySeconds >= 0 ? delaySeconds : undefined
  // From JavaScript, or from another version of this package, anything may come.
  const said = reason === undefined ? undefined : summarizeError(reason).message
  if (kind === 'dead-letter') return { kind, reason: said ?? 'no reason given' }
  if (kind === 'retry' && (delay !== undefined || delaySeconds === undefined)) {
    return { kind, delaySeconds: delay, reason: said }
  }
  if (kind === 'snooze' && delay !== undefined) return { kind, delaySeconds: delay }
  const shown = summarizeError(`${String(kind)} with delaySeconds ${String(delaySeconds)}`).message
  const message = `expected retry({ delaySeconds }), snooze({ delaySeconds }) or deadLetter({ reason }), got ${shown}`
  return { kind: 'failed', error: { code: workerErrorCodes.invalidOutcome, message } }
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
