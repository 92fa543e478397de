import type { Clock, Lease, Logger, ReadResult } from '@aimq/events'
import { type AbortCause, ActiveJob, endingOfStuck, runJob } from './active-job.ts'
import { decideEnding, decideStart, type Ending, type Verdict } from './decide.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import type { EndedJob, Ledger } from './ledger.ts'
import type { ResolvedQueue } from './options.ts'
import type { Slots } from './slots.ts'

export interface HandOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Shared by all queues of the worker. */
  readonly slots: Slots
  readonly queue: ResolvedQueue
  readonly ledger: Ledger
  /** How long a handler may take to heed its aborted signal. */
  readonly abortGraceMs: number
  readonly extend: (leases: readonly Lease[]) => Promise<readonly string[]>
  /** What becomes of the message is decided; it stays in hand until `letGo`. */
  readonly onEnded: (ended: EndedJob) => void
  /** A slot freed, here or elsewhere. */
  readonly onRoom: () => void
}

/** The jobs of one queue that are in hand: leased ahead, running, or ended and not yet settled. */
export class Hand {
  readonly #options: HandOptions
  readonly #leases: LeaseKeeper
  readonly #running = new Set<ActiveJob>()
  #buffer: ActiveJob[] = []
  /** Jobs that took their worker down before: run one at a time, with nothing of this queue beside them. */
  #suspects: ActiveJob[] = []
  /** The last read brought a suspect: read one message at a time until one is none. */
  #cautious = false
  /** Jobs that have ended and are on their way into the database, dead letters aside. */
  readonly #leaving = new Set<ActiveJob>()
  #closing = false
  #finished = 0

  constructor(options: HandOptions) {
    this.#options = options
    const { clock, extend, abortGraceMs } = options
    const { leaseMs, timeoutMs } = options.queue.policy
    this.#leases = new LeaseKeeper({
      clock,
      leaseMs,
      timeoutMs,
      extend,
      onLost: (job) => this.#lose(job),
      onTimeout: (job) => this.#abort(job, 'timed-out', abortGraceMs),
      onStuck: (job) => this.#giveUp(job),
      onBlocked: (lateMs) => this.#warnBlocked(lateMs),
    })
  }

  get size(): number {
    return this.#leases.held.size
  }

  get running(): number {
    return this.#running.size
  }

  get buffered(): number {
    return this.#buffer.length + this.#suspects.length
  }

  /** Handlers that have ended, ever. */
  get finished(): number {
    return this.#finished
  }

  /** For how many messages there is room, with up to `ahead` beyond the free slots. */
  room(ahead: number): number {
    if (this.#closing || this.#suspects.length > 0) return 0
    const { slots, queue, onRoom } = this.#options
    if (slots.free === 0) slots.wait(onRoom)
    const free = Math.min(queue.policy.concurrency - this.#running.size, slots.free)
    if (this.#cautious) return free > 0 && this.#running.size + this.#buffer.length === 0 ? 1 : 0
    // A buffer still half full is filled when it is not, by one larger read.
    if (this.#buffer.length > ahead / 2) return 0
    return Math.max(0, free + ahead - this.#buffer.length)
  }

  /** Takes what a read that was sent at `sentAt` has found. */
  take({ messages, readAt }: ReadResult, sentAt: number): void {
    const { queue } = this.#options
    const trustedUntil = this.#leases.trustedUntil(sentAt)
    let suspects = 0
    for (const message of messages) {
      const job = new ActiveJob(queue.definition.name, message, readAt, trustedUntil)
      this.#leases.add(job)
      const start = decideStart(message, queue.policy)
      if (this.#closing) this.#release(job, 'shutdown')
      else if (start === 'run') this.#buffer.push(job)
      else if (start !== 'run-alone') this.#end(job, start)
      else if (suspects++ === 0) this.#suspects.push(job)
      // Leased beside the first suspect, this one would pay for its crash.
      else this.#release(job, 'made-way')
    }
    this.#cautious = suspects > 0
    this.start()
  }

  /** Starts what can start. */
  start(): void {
    const { slots, queue, onRoom } = this.#options
    const [alone] = this.#suspects
    // Not before its neighbours are back in the queue: a crash now would be counted against them.
    if (alone !== undefined && this.#running.size + this.#buffer.length + this.#leaving.size === 0) {
      if (slots.take(onRoom)) this.#start(alone)
      return
    }
    while (this.#running.size < queue.policy.concurrency && this.#buffer.length > 0) {
      if (!slots.take(onRoom)) return
      const job = this.#buffer.shift()
      if (job !== undefined) this.#start(job)
    }
  }

  /** The message is settled, or gone. */
  letGo(job: ActiveJob): void {
    this.#leaving.delete(job)
    this.#leases.remove(job)
  }

  /** Takes no more, and hands back what has not started. */
  close(): void {
    this.#closing = true
    this.#options.slots.forget(this.#options.onRoom)
    for (const job of [...this.#buffer.splice(0), ...this.#suspects.splice(0)]) this.#release(job, 'shutdown')
  }

  /** Tells every handler to stop, and hands back the jobs of those that do not within `graceMs`. */
  abortAll(graceMs: number): void {
    for (const job of this.#running) this.#abort(job, 'shutdown', graceMs)
  }

  /** Hands back whatever still runs. */
  giveUpAll(): void {
    for (const job of [...this.#running]) this.#giveUp(job)
  }

  stop(): void {
    this.#leases.stop()
  }

  #start(job: ActiveJob): void {
    const { clock, ledger, queue } = this.#options
    this.#suspects = this.#suspects.filter((suspect) => suspect !== job)
    job.startedAt = clock.monotonic()
    this.#running.add(job)
    this.#leases.watch(job)
    ledger.started(job)
    void runJob(job, queue).then((ending) => this.#finish(job, ending))
  }

  #finish(job: ActiveJob, ending: Ending): void {
    // Given up before: its slot is another's, its message settled or lost.
    if (!this.#running.delete(job)) return
    this.#finished++
    this.#options.slots.give()
    if (job.abortCause === 'lease-lost') this.letGo(job)
    else this.#end(job, decideEnding(ending, job.counts, this.#options.queue.policy))
    this.start()
    this.#options.onRoom()
  }

  #end(job: ActiveJob, verdict: Verdict): void {
    job.settling = true
    if (verdict.kind !== 'dead-letter') this.#leaving.add(job)
    const durationMs = job.startedAt === undefined ? 0 : this.#options.clock.monotonic() - job.startedAt
    this.#options.onEnded({ job, verdict, durationMs, uncertain: false })
  }

  #release(job: ActiveJob, reason: string): void {
    this.#end(job, decideEnding({ kind: 'released', reason }, job.counts, this.#options.queue.policy))
  }

  #abort(job: ActiveJob, cause: AbortCause, graceMs: number): void {
    job.giveUpAt = this.#options.clock.monotonic() + graceMs
    job.abort(cause)
    this.#leases.watch(job)
  }

  /** The handler does not end: its slot goes to another job, and whatever it still does is not recorded. */
  #giveUp(job: ActiveJob): void {
    const { queue, id } = job
    this.#options.logger.warn(
      { queue, id },
      `the handler of job ${id} (queue "${queue}") does not heed its aborted signal; its slot is given away`,
    )
    this.#finish(job, endingOfStuck(job, this.#options.queue.policy.timeoutMs))
  }

  #lose(job: ActiveJob): void {
    const { queue, id } = job
    this.#options.logger.warn(
      { queue, id },
      `the lease of job ${id} (queue "${queue}") is lost; it will be worked again, here or elsewhere`,
    )
    this.#options.ledger.leaseLost(job)
    this.#buffer = this.#buffer.filter((buffered) => buffered !== job)
    this.#suspects = this.#suspects.filter((suspect) => suspect !== job)
    if (this.#running.has(job)) this.#abort(job, 'lease-lost', this.#options.abortGraceMs)
    else this.letGo(job)
  }

  #warnBlocked(lateMs: number): void {
    const jobs = [...this.#running].slice(0, 20).map((job) => job.id)
    const queue = this.#options.queue.definition.name
    const who = jobs.length === 0 ? 'a handler that has just ended' : `one of the jobs ${jobs.join(', ')}`
    this.#options.logger.warn(
      { queue, jobs, lateMs: Math.round(lateMs) },
      `the event loop was blocked for ${Math.round(lateMs)} ms, probably by ${who} (queue "${queue}"): leases cannot be renewed meanwhile; move such work to a worker thread`,
    )
  }
}
