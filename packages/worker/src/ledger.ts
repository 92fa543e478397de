import type { Bus, Lease, ReadResult, Settlement } from '@aimq/events'
import { ActiveJob } from './active-job.ts'
import { decideEnding, type Verdict } from './decide.ts'
import type { ResolvedQueue } from './options.ts'

/** A job that has ended, and what is to become of its message. */
export interface EndedJob {
  readonly job: ActiveJob
  verdict: Verdict
  readonly durationMs: number
  /** The queue refused it for what stands in it; the verdict is down to the bare one. */
  bare: boolean
  /** The settlement was sent before and its answer never came: «gone» may well mean that it worked. */
  uncertain: boolean
}

/** Counts what became of a queue's jobs, and says it on the bus once the database knows. */
export class Ledger {
  completed = 0
  retried = 0
  deadLettered = 0
  released = 0
  leasesLost = 0
  readonly #bus: Bus
  readonly #queue: ResolvedQueue

  constructor(bus: Bus, queue: ResolvedQueue) {
    this.#bus = bus
    this.#queue = queue
  }

  started(job: ActiveJob): void {
    if (!this.#bus.hasListeners('worker:job-started')) return
    const { waitedMs, message } = job
    this.#bus.emit('worker:job-started', {
      ...reference(job),
      readCount: message.readCount,
      dueAt: message.dueAt,
      waitedMs,
    })
  }

  leaseLost(job: ActiveJob): void {
    this.leasesLost++
    this.#bus.emit('worker:lease-lost', reference(job))
  }

  settled({ job, verdict, durationMs }: EndedJob): void {
    const bus = this.#bus
    switch (verdict.kind) {
      case 'complete':
        this.completed++
        if (bus.hasListeners('worker:job-completed'))
          bus.emit('worker:job-completed', { ...reference(job), durationMs })
        return
      case 'retry': {
        this.retried++
        const { cause, delayMs, error } = verdict
        bus.emit('worker:job-retried', {
          ...reference(job),
          cause,
          delayMs,
          ...(error === undefined ? {} : { error }),
        })
        return
      }
      case 'dead-letter': {
        this.deadLettered++
        const { reason, error } = verdict
        const { deadLetterQueue } = this.#queue.definition
        bus.emit('worker:job-dead-lettered', {
          ...reference(job),
          deadLetterQueue,
          reason,
          ...(error === undefined ? {} : { error }),
        })
        return
      }
      case 'release':
        this.released++
        bus.emit('worker:job-released', { ...reference(job), reason: verdict.reason })
    }
  }
}

/** The verdict as the queue understands it. */
export function settlementOf({ job, verdict }: EndedJob, { definition, policy }: ResolvedQueue): Settlement {
  const { id, readCount, enqueuedAt } = job.message
  if (verdict.kind === 'complete') return { id, readCount, enqueuedAt, action: policy.onComplete }
  const lease: Lease = { id, readCount, enqueuedAt }
  switch (verdict.kind) {
    case 'retry':
      return { ...lease, action: 'release', delayMs: verdict.delayMs, headers: verdict.headers }
    case 'release':
      return { ...lease, action: 'release', delayMs: 0, headers: verdict.headers }
    case 'dead-letter': {
      const { deadLetterQueue } = definition
      return {
        ...lease,
        action: 'dead-letter',
        deadLetterQueue,
        reason: verdict.reason,
        headers: verdict.headers,
      }
    }
  }
}

/** Settlements that hand back what was read and never started. */
export function releasesOf({ messages, readAt }: ReadResult, queue: ResolvedQueue): Settlement[] {
  return messages.map((message) => {
    const job = new ActiveJob(queue.definition.name, message, readAt, 0, 0)
    const verdict = decideEnding({ kind: 'released', reason: 'shutdown' }, job.counts, queue.policy)
    return settlementOf({ job, verdict, durationMs: 0, uncertain: false, bare: false }, queue)
  })
}

function reference(job: ActiveJob): { queue: string; id: string; attempt: number } {
  return { queue: job.queue, id: job.id, attempt: job.attempt }
}
