import type { Clock, Lease, Logger, ReadResult } from '@aimq/events'
import { type AbortCause, ActiveJob, endingOfStuck, runJob } from './active-job.ts'
import { decideEnding, decideStart, type Ending, type Verdict } from './decide.ts'
import { Fifo } from './fifo.ts'
import type { Work } from './flow.ts'
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
  /** Something changed that the loop should look at: a job ended, a slot is ours to take. */
  readonly onChange: () => void
}

/** How long a suspect waits for its neighbours to end, and how long it has the queue for itself. */
const suspectPatienceMs = 10_000

/** The jobs of one queue that are in hand: leased ahead, running, or ended and not yet settled. */
export class Hand implements Work {
  readonly #options: HandOptions
  readonly #leases: LeaseKeeper
  #running = 0
  readonly #buffer = new Fifo<ActiveJob>()
  /** A job that took its worker down before: run with nothing of this queue beside it, as far as that can be waited for. */
  #suspect: ActiveJob | undefined
  /** Until when a suspect just read has the queue for itself; meanwhile one message is read at a time. */
  #cautiousUntil = Number.NEGATIVE_INFINITY
  #patience: Disposable | undefined
  readonly #byId = new Map<string, ActiveJob>()
  #leaving = 0
  #closing = false
  #finished = 0
  #workedMs = 0
  #idleSince = Number.NEGATIVE_INFINITY
  readonly #onEnding = (job: ActiveJob, ending: Ending) => this.#finish(job, ending)

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
      onOverdue: (job) => this.#handBack(job),
      onBeaten: options.onChange,
      onBlocked: (lateMs) => this.#warnBlocked(lateMs),
    })
  }

  get size(): number {
    return this.#leases.held.size
  }

  get running(): number {
    return this.#running
  }

  get #runningJobs(): ActiveJob[] {
    return [...this.#leases.held].filter((job) => job.running)
  }

  get buffered(): number {
    return this.#buffer.size + (this.#suspect === undefined ? 0 : 1)
  }

  /** Handlers that have ended, ever; and how long they ran, all together. */
  get finished(): number {
    return this.#finished
  }

  get workedMs(): number {
    return this.#workedMs
  }

  /** Since when no handler runs; undefined while one does, or waits for its turn. */
  get idleSince(): number | undefined {
    return this.#running === 0 && this.buffered === 0 ? this.#idleSince : undefined
  }

  /** For how many messages there is room, with up to `ahead` beyond the free slots. */
  room(ahead: number): number {
    if (this.#closing || this.#suspect !== undefined) return 0
    const { slots, queue, clock } = this.#options
    const busy = this.#running + this.#buffer.size
    if (clock.monotonic() < this.#cautiousUntil) return busy === 0 ? 1 : 0
    const free = Math.min(queue.policy.concurrency - this.#running, slots.free)
    // With one job in hand a queue stands in the line for a slot, however busy the others are.
    if (busy === 0) return Math.max(1, free + ahead)
    // A buffer still half full is filled when it is not, by one larger read.
    if (this.#buffer.size > ahead / 2) return 0
    return Math.max(0, free + ahead - this.#buffer.size)
  }

  /** Takes what a read that was sent at `sentAt` has found. */
  take({ messages, readAt }: ReadResult, sentAt: number): void {
    const { queue, clock } = this.#options
    const now = clock.monotonic()
    const trustedUntil = this.#leases.trustedUntil(sentAt)
    let suspects = 0
    for (const message of messages) {
      const known = this.#byId.get(message.id)
      if (known !== undefined && this.#meetAgain(known, message, trustedUntil)) continue
      // The answer took so long that somebody else may have it by now.
      if (trustedUntil <= now) continue
      const job = new ActiveJob(queue.definition.name, message, readAt, now, trustedUntil)
      this.#byId.set(job.id, job)
      this.#leases.add(job, sentAt)
      const start = decideStart(message, queue.policy)
      if (this.#closing) this.#release(job, 'shutdown')
      else if (start === 'run') this.#buffer.push(job)
      else if (start !== 'run-alone') this.#end(job, start)
      else if (suspects++ === 0 && this.#suspect === undefined) this.#suspect = job
      // Leased beside the first suspect, this one would pay for its crash.
      else this.#release(job, 'made-way')
    }
    if (suspects > 0) this.#beCautious(now + suspectPatienceMs)
    else if (messages.length > 0) this.#cautiousUntil = Number.NEGATIVE_INFINITY
    this.start()
  }

  #beCautious(until: number): void {
    const { clock, onChange } = this.#options
    this.#cautiousUntil = until
    this.#patience?.[Symbol.dispose]()
    this.#patience = clock.timer(until - clock.monotonic(), onChange)
  }

  /**
   * A message we still have in hand was read again, so the lease we had is over. If its job has ended, what was decided
   * is settled under the new lease; if not, it is lost, and the message is a new job. Unless nobody can have had it in
   * between, because this read is counted as the one before was: then the database has forgotten that one in a crash.
   */
  #meetAgain(known: ActiveJob, message: ReadResult['messages'][number], trustedUntil: number): boolean {
    const isForgotten = message.readCount <= known.message.readCount && known.abortCause !== 'lease-lost'
    if ((known.settling || isForgotten) && known.message.enqueuedAt === message.enqueuedAt) {
      known.message = message
      known.trustedUntil = trustedUntil
      return true
    }
    if (!known.settling && known.abortCause !== 'lease-lost') this.#lose(known)
    return false
  }

  /** Starts what can start. */
  start(): void {
    const { slots, queue, onChange } = this.#options
    const suspect = this.#suspect
    if (suspect !== undefined && this.#mayStartAlone(suspect) && slots.take(onChange)) {
      this.#suspect = undefined
      this.#start(suspect)
    }
    while (this.#running < queue.policy.concurrency && this.#buffer.size > 0) {
      if (!slots.take(onChange)) return
      const job = this.#buffer.shift()
      if (job !== undefined) this.#start(job)
    }
    if (this.buffered === 0) slots.forget(onChange)
  }

  /**
   * Not before its neighbours are back in the queue, or settled: a crash now would be counted against them. But neither
   * they nor the queue wait for ever.
   */
  #mayStartAlone(suspect: ActiveJob): boolean {
    if (this.#running + this.#buffer.size + this.#leaving === 0) return true
    return this.#options.clock.monotonic() - suspect.takenAt >= suspectPatienceMs
  }

  /** The message is settled, or gone. */
  letGo(job: ActiveJob): void {
    if (job.leaving) this.#leaving--
    job.leaving = false
    if (this.#byId.get(job.id) === job) this.#byId.delete(job.id)
    this.#leases.remove(job)
  }

  /** Whether a heartbeat is under way that would undo a release of this job. */
  isBeating(job: ActiveJob): boolean {
    return this.#leases.isBeating(job)
  }

  /** Takes no more, and hands back what has not started. */
  close(): void {
    this.#closing = true
    this.#patience?.[Symbol.dispose]()
    this.#options.slots.forget(this.#options.onChange)
    const unstarted = [...this.#buffer.clear(), ...(this.#suspect === undefined ? [] : [this.#suspect])]
    this.#suspect = undefined
    for (const job of unstarted) this.#release(job, 'shutdown')
  }

  /** Tells every handler to stop, and hands back the jobs of those that do not within `graceMs`. */
  abortAll(graceMs: number): void {
    for (const job of this.#runningJobs) this.#abort(job, 'shutdown', graceMs)
  }

  /** Hands back whatever still runs. */
  giveUpAll(): void {
    for (const job of this.#runningJobs) this.#giveUp(job)
  }

  /** Nothing is renewed after this. */
  stop(): void {
    this.#leases.close()
    this.#byId.clear()
  }

  #start(job: ActiveJob): void {
    const { clock, ledger, queue } = this.#options
    job.startedAt = clock.monotonic()
    job.running = true
    this.#running++
    this.#leases.watch(job)
    ledger.started(job)
    runJob(job, queue, this.#onEnding)
  }

  #finish(job: ActiveJob, ending: Ending): void {
    // Given up before: its slot is another's, its message settled or lost.
    if (!job.running) return
    job.running = false
    this.#running--
    const durationMs = this.#options.clock.monotonic() - (job.startedAt ?? 0)
    this.#finished++
    this.#workedMs += durationMs
    this.#options.slots.give()
    if (job.abortCause === 'lease-lost') this.letGo(job)
    else this.#end(job, decideEnding(ending, job.counts, this.#options.queue.policy), durationMs)
    this.start()
    if (this.#running === 0) this.#idleSince = this.#options.clock.monotonic()
    this.#options.onChange()
  }

  #end(job: ActiveJob, verdict: Verdict, durationMs = 0): void {
    job.settling = true
    job.releasing = verdict.kind === 'retry' || verdict.kind === 'release'
    job.leaving = verdict.kind !== 'dead-letter'
    if (job.leaving) this.#leaving++
    this.#options.onEnded({ job, verdict, durationMs, uncertain: false, bare: false })
  }

  #release(job: ActiveJob, reason: string): void {
    this.#end(job, decideEnding({ kind: 'released', reason }, job.counts, this.#options.queue.policy))
  }

  /** Leased ahead and not started for too long: a peer may be idle. One is kept, to stand in the line for a slot. */
  #handBack(job: ActiveJob): void {
    if (job === this.#suspect || (this.#running === 0 && this.#buffer.first === job)) return
    this.#buffer.remove(job)
    this.#release(job, 'made-way')
    this.#options.onChange()
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
    this.#buffer.remove(job)
    if (this.#suspect === job) this.#suspect = undefined
    if (job.running) this.#abort(job, 'lease-lost', this.#options.abortGraceMs)
    else this.letGo(job)
  }

  #warnBlocked(lateMs: number): void {
    const jobs = this.#runningJobs.slice(0, 20).map((job) => job.id)
    const queue = this.#options.queue.definition.name
    const who = jobs.length === 0 ? 'a handler that has just ended' : `one of the jobs ${jobs.join(', ')}`
    this.#options.logger.warn(
      { queue, jobs, lateMs: Math.round(lateMs) },
      `the event loop was blocked for ${Math.round(lateMs)} ms, probably by ${who} (queue "${queue}"): leases cannot be renewed meanwhile; move such work to a worker thread`,
    )
  }
}
