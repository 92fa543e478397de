import {
  type Bus,
  type Clock,
  type Logger,
  type QueueStatus,
  type ReadResult,
  summarizeError,
} from '@aimq/events'
import { type AbortCause, ActiveJob, endingOfStuck, runJob } from './active-job.ts'
import { DeadLetterLane } from './dead-letter-lane.ts'
import { decideEnding, decideStart, type Ending, type Verdict } from './decide.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { type EndedJob, Ledger, settlementOf } from './ledger.ts'
import type { ResolvedOptions, ResolvedQueue } from './options.ts'
import { prefetchTarget } from './prefetch.ts'
import type { Slots } from './slots.ts'
import {
  initialWakeState,
  lookBy,
  nextLook,
  onError,
  onFound,
  onHint,
  onLookBegan,
  onNothing,
  type WakeState,
} from './wake-loop.ts'

/** One read never asks for more. */
const maxReadCount = 1000
/** Dead letters that cannot be moved hold up reading at this number, before they hold up the process. */
const maxStuckDeadLetters = 1000
/** When the worker stops: how long handlers may take to heed the signal, and the last settlements to be written. */
const shutdownAbortMs = 500
const shutdownFlushMs = 5000

export interface RunnerContext {
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly options: ResolvedOptions
  readonly slots: Slots
  /** Whether a wake-up path has proven itself. */
  readonly wakeupsProven: () => boolean
}

/**
 * Works one queue. `#pump` is the loop: called whenever anything changed, it starts what can start and sends at most
 * one statement, which carries every settlement of the moment and the next read. What to do is decided by pure
 * functions (`wake-loop`, `decide`, `prefetch`); this class only does it.
 */
export class QueueRunner {
  readonly name: string
  readonly #queue: ResolvedQueue
  readonly #context: RunnerContext
  readonly #ledger: Ledger
  readonly #leases: LeaseKeeper
  readonly #deadLetters: DeadLetterLane
  #wake: WakeState
  #buffer: ActiveJob[] = []
  /** Jobs that took their worker down before: run one at a time, with nothing of this queue beside them. */
  #suspects: ActiveJob[] = []
  #cautious = false
  readonly #running = new Set<ActiveJob>()
  #outbox: EndedJob[] = []
  #exchanging = false
  #pumpScheduled = false
  #timer: Disposable | undefined
  #paused = false
  #trouble: string | undefined
  #idle = false
  #stopping = false
  #stopped = false
  #finished = 0
  #finishedBeforeRead = 0
  #lastReadAt = 0
  #reads = 0
  #emptyReads = 0
  #onQuiet: (() => void) | undefined
  readonly #onSlotFree = () => this.#schedule()

  constructor(queue: ResolvedQueue, context: RunnerContext) {
    this.name = queue.definition.name
    this.#queue = queue
    this.#context = context
    this.#wake = initialWakeState(context.clock.monotonic())
    this.#ledger = new Ledger(context.bus, queue)
    const { leaseMs, timeoutMs } = queue.policy
    const { bus, clock } = context
    this.#leases = new LeaseKeeper({
      clock,
      leaseMs,
      timeoutMs,
      extend: async (leases) =>
        (await bus.request('queue:extend', { queue: this.name, leases, leaseMs })).lost,
      onLost: (job) => this.#lose(job),
      onTimeout: (job) => this.#abort(job, 'timed-out', context.options.abortGraceMs),
      onStuck: (job) => this.#giveUp(job),
      onBlocked: (lateMs) => this.#warnBlocked(lateMs),
    })
    this.#deadLetters = new DeadLetterLane({
      clock,
      move: (jobs) => this.#settle(jobs),
      onMoved: (jobs, lost) => this.#confirm(jobs, lost),
      onFailing: (thrown) =>
        this.#warn(thrown, `dead letters of queue "${this.name}" cannot be moved; they stay in hand`),
    })
  }

  start(): void {
    this.#schedule()
  }

  hint(dueInMs = 0): void {
    this.#wake = onHint(this.#wake, this.#moment(), dueInMs)
    this.#schedule()
  }

  /** Look once, without distrust: after a change of health, say. */
  look(): void {
    this.#wake = lookBy(this.#wake, this.#context.clock.monotonic())
    this.#schedule()
  }

  /** Answers whether that changed anything. */
  pause(): boolean {
    if (this.#paused) return false
    this.#paused = true
    const message = `queue "${this.name}" is paused; jobs in hand go on`
    this.#context.bus.emit('worker:queue-paused', { queue: this.name, cause: 'requested', message })
    return true
  }

  resume(): boolean {
    if (!this.#paused) return false
    this.#paused = false
    this.#context.bus.emit('worker:queue-resumed', { queue: this.name })
    this.look()
    return true
  }

  get inHand(): number {
    return this.#leases.held.size
  }

  status(): QueueStatus {
    const { completed, retried, deadLettered, released, leasesLost } = this.#ledger
    return {
      queue: this.name,
      state: this.#paused ? 'paused' : this.#trouble === undefined ? 'running' : 'unavailable',
      running: this.#running.size,
      buffered: this.#buffer.length + this.#suspects.length,
      completed,
      retried,
      deadLettered,
      released,
      leasesLost,
      reads: this.#reads,
      emptyReads: this.#emptyReads,
      hints: this.#wake.hints,
    }
  }

  /** Jobs that run may finish until `signal` aborts; the rest goes back at once, attempt not spent. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#stopping = true
    this.#context.slots.forget(this.#onSlotFree)
    for (const job of [...this.#buffer.splice(0), ...this.#suspects.splice(0)]) this.#release(job)
    this.#schedule()
    await this.#quiet(() => this.#running.size === 0, Number.POSITIVE_INFINITY, signal)
    for (const job of this.#running) this.#abort(job, 'shutdown', shutdownAbortMs)
    await this.#quiet(() => this.#running.size === 0, shutdownAbortMs)
    for (const job of [...this.#running]) this.#giveUp(job)
    await this.#quiet(() => this.#outbox.length === 0 && !this.#exchanging, shutdownFlushMs)
    await this.#deadLetters.finish()
    this.#stopped = true
    this.#disarm()
    this.#leases.stop()
    if (this.#ledger.released > 0) {
      this.#context.bus.emit('job:enqueued', {
        queue: this.name,
        count: this.#ledger.released,
        source: 'worker',
      })
    }
  }

  // --- the loop

  #schedule(): void {
    if (this.#pumpScheduled || this.#stopped) return
    this.#pumpScheduled = true
    // After the callbacks of this turn, so that jobs that end together are settled together.
    setImmediate(() => {
      this.#pumpScheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#stopped) return
    this.#startBuffered()
    this.#onQuiet?.()
    if (this.#exchanging) return
    this.#disarm()
    const now = this.#context.clock.monotonic()
    if (this.#wake.blockedUntil > now) {
      this.#arm(this.#wake.blockedUntil)
      return
    }
    const want = this.#readCount(now)
    const next = want > 0 ? nextLook(this.#wake, now) : undefined
    if (next?.kind === 'read') void this.#exchange(want)
    else if (this.#outbox.length > 0) void this.#exchange(0)
    else if (next?.kind === 'probe') void this.#probe()
    else if (next?.kind === 'wait') this.#arm(next.until)
  }

  /** How many messages there is room for. */
  #readCount(now: number): number {
    if (this.#paused || this.#stopping || this.#suspects.length > 0) return 0
    if (this.#deadLetters.size >= maxStuckDeadLetters) return 0
    if (this.#cautious) return this.#running.size + this.#buffer.length === 0 && this.#freeSlots() > 0 ? 1 : 0
    const { maxPrefetch } = this.#queue.policy
    const ahead = prefetchTarget(
      this.#finished - this.#finishedBeforeRead,
      now - this.#lastReadAt,
      maxPrefetch,
    )
    // A buffer still half full is read again when it is not, in one larger batch.
    if (this.#buffer.length > ahead / 2) return 0
    return Math.min(maxReadCount, Math.max(0, this.#freeSlots() + ahead - this.#buffer.length))
  }

  #freeSlots(): number {
    const { slots } = this.#context
    if (slots.free === 0) slots.wait(this.#onSlotFree)
    return Math.min(this.#queue.policy.concurrency - this.#running.size, slots.free)
  }

  /** Settles what has ended and reads `want` messages, on one round trip. */
  async #exchange(want: number): Promise<void> {
    const { bus, clock } = this.#context
    const { leaseMs } = this.#queue.policy
    const batch = this.#outbox.splice(0)
    const sentAt = clock.monotonic()
    this.#exchanging = true
    if (want > 0) this.#readBegins(sentAt)
    try {
      const read = { count: want, leaseMs }
      if (batch.length === 0) {
        this.#accept(await bus.request('queue:read', { queue: this.name, ...read }), sentAt)
      } else {
        const settlements = batch.map((ended) => settlementOf(ended, this.#queue))
        const answer = await bus.request('queue:settle', {
          queue: this.name,
          settlements,
          ...(want > 0 ? { read } : {}),
        })
        this.#confirm(batch, answer.lost)
        if (answer.read !== undefined) this.#accept(answer.read, sentAt)
        else this.#wake = { ...this.#wake, errors: 0 }
      }
      this.#recovered()
    } catch (thrown) {
      for (const ended of batch) ended.uncertain = true
      this.#outbox.unshift(...batch)
      this.#failed(thrown)
    } finally {
      this.#exchanging = false
      this.#schedule()
    }
  }

  async #probe(): Promise<void> {
    this.#exchanging = true
    this.#wake = onLookBegan(this.#wake, this.#context.clock.monotonic())
    try {
      this.#foundNothing(await this.#context.bus.request('queue:probe', { queue: this.name }))
      this.#recovered()
    } catch (thrown) {
      this.#failed(thrown)
    } finally {
      this.#exchanging = false
      this.#schedule()
    }
  }

  #readBegins(now: number): void {
    this.#wake = onLookBegan(this.#wake, now)
    this.#reads++
    this.#finishedBeforeRead = this.#finished
    this.#lastReadAt = now
  }

  #accept(read: ReadResult, sentAt: number): void {
    const { clock } = this.#context
    if (read.messages.length === 0) {
      this.#emptyReads++
      this.#cautious = false
      this.#foundNothing(read.next ?? { nextDueInMs: null, newestId: null })
      return
    }
    this.#idle = false
    this.#wake = onFound(this.#wake, clock.monotonic())
    const trustedUntil = this.#leases.trustedUntil(sentAt)
    let suspects = 0
    for (const message of read.messages) {
      const job = new ActiveJob(this.name, message, read.readAt, trustedUntil)
      this.#leases.add(job)
      const start = decideStart(message, this.#queue.policy)
      if (this.#stopping) this.#release(job)
      else if (start === 'run') this.#buffer.push(job)
      else if (start !== 'run-alone') this.#end(job, start)
      else if (suspects++ === 0) this.#suspects.push(job)
      // One suspect at a time: leased beside it, another would pay for its crash.
      else this.#release(job)
    }
    this.#cautious = suspects > 0
    this.#startBuffered()
  }

  #foundNothing(next: NonNullable<ReadResult['next']>): void {
    const { options, wakeupsProven } = this.#context
    const proven = wakeupsProven()
    const pollIntervalMs = proven ? options.safetyPollIntervalMs : options.pollIntervalMs
    this.#wake = onNothing(this.#wake, next, { pollIntervalMs, eager: !proven }, this.#moment())
    if (this.#idle || this.inHand > 0) return
    this.#idle = true
    this.#context.bus.emit('worker:queue-idled', { queue: this.name })
  }

  #failed(thrown: unknown): void {
    this.#wake = onError(this.#wake, this.#moment())
    if (this.#trouble !== undefined) return
    this.#trouble = summarizeError(thrown).message
    this.#warn(thrown, `queue "${this.name}" cannot be worked for the moment`)
    const message = this.#trouble
    this.#context.bus.emit('worker:queue-paused', { queue: this.name, cause: 'unavailable', message })
  }

  #recovered(): void {
    if (this.#trouble === undefined) return
    this.#trouble = undefined
    this.#context.logger.info({ queue: this.name }, `queue "${this.name}" is worked again`)
    this.#context.bus.emit('worker:queue-resumed', { queue: this.name })
  }

  // --- jobs

  #startBuffered(): void {
    const { policy } = this.#queue
    const alone = this.#suspects[0]
    if (alone !== undefined && this.#running.size === 0 && this.#buffer.length === 0) {
      if (this.#context.slots.take(this.#onSlotFree)) this.#start(this.#suspects.shift() ?? alone)
      return
    }
    while (this.#running.size < policy.concurrency && this.#buffer.length > 0) {
      if (!this.#context.slots.take(this.#onSlotFree)) return
      const job = this.#buffer.shift()
      if (job !== undefined) this.#start(job)
    }
  }

  #start(job: ActiveJob): void {
    job.startedAt = this.#context.clock.monotonic()
    this.#running.add(job)
    this.#leases.watch(job)
    this.#ledger.started(job)
    void runJob(job, this.#queue).then((ending) => this.#finish(job, ending))
  }

  #finish(job: ActiveJob, ending: Ending): void {
    // Given up before: its slot is taken, its message settled or lost.
    if (!this.#running.delete(job)) return
    this.#finished++
    this.#context.slots.give()
    if (job.abortCause === 'lease-lost') this.#leases.remove(job)
    else this.#end(job, decideEnding(ending, job.counts, this.#queue.policy))
    this.#startBuffered()
    this.#schedule()
  }

  #end(job: ActiveJob, verdict: Verdict): void {
    job.settling = true
    const durationMs = job.startedAt === undefined ? 0 : this.#context.clock.monotonic() - job.startedAt
    const ended: EndedJob = { job, verdict, durationMs, uncertain: false }
    if (verdict.kind === 'dead-letter') this.#deadLetters.push(ended)
    else this.#outbox.push(ended)
  }

  #release(job: ActiveJob): void {
    this.#end(
      job,
      decideEnding(
        { kind: 'released', reason: this.#stopping ? 'shutdown' : 'made-way' },
        job.counts,
        this.#queue.policy,
      ),
    )
  }

  #abort(job: ActiveJob, cause: AbortCause, graceMs: number): void {
    job.giveUpAt = this.#context.clock.monotonic() + graceMs
    job.abort(cause)
    this.#leases.watch(job)
  }

  /** The handler does not end: its slot is given to another job, and whatever it still does is not recorded. */
  #giveUp(job: ActiveJob): void {
    const { queue, id } = job
    this.#context.logger.warn(
      { queue, id },
      `the handler of job ${id} (queue "${queue}") ignores its aborted signal; its slot is given away`,
    )
    this.#finish(job, endingOfStuck(job, this.#queue.policy.timeoutMs))
  }

  #lose(job: ActiveJob): void {
    const buffered = this.#buffer.indexOf(job)
    if (buffered >= 0) this.#buffer.splice(buffered, 1)
    this.#suspects = this.#suspects.filter((suspect) => suspect !== job)
    const { queue, id } = job
    this.#context.logger.warn(
      { queue, id },
      `the lease of job ${id} (queue "${queue}") is lost; it will be worked again`,
    )
    this.#ledger.leaseLost(job)
    if (this.#running.has(job)) {
      job.abortCause = undefined
      this.#abort(job, 'lease-lost', this.#context.options.abortGraceMs)
    } else this.#leases.remove(job)
  }

  // --- settlements

  async #settle(jobs: readonly EndedJob[]): Promise<readonly string[]> {
    const settlements = jobs.map((ended) => settlementOf(ended, this.#queue))
    return (await this.#context.bus.request('queue:settle', { queue: this.name, settlements })).lost
  }

  #confirm(jobs: readonly EndedJob[], lostIds: readonly string[]): void {
    const lost = lostIds.length === 0 ? undefined : new Set(lostIds)
    const now = this.#context.clock.monotonic()
    for (const ended of jobs) {
      this.#leases.remove(ended.job)
      if (lost?.has(ended.job.id) && !ended.uncertain) {
        this.#ledger.leaseLost(ended.job)
        continue
      }
      this.#ledger.settled(ended)
      if (ended.verdict.kind === 'retry') this.#wake = lookBy(this.#wake, now + ended.verdict.delayMs)
    }
    this.#schedule()
  }

  // --- waiting and saying

  /** Resolves when `reached`, after `limitMs`, or when `signal` aborts, whichever is first. */
  async #quiet(reached: () => boolean, limitMs: number, signal?: AbortSignal): Promise<void> {
    if (reached() || signal?.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onQuiet = () => reached() && resolve()
    signal?.addEventListener('abort', () => resolve(), { once: true })
    using _ = Number.isFinite(limitMs) ? this.#context.clock.timer(limitMs, resolve) : undefined
    await promise
    this.#onQuiet = undefined
  }

  #moment(): { now: number; random: () => number } {
    return { now: this.#context.clock.monotonic(), random: Math.random }
  }

  #arm(at: number): void {
    const { clock } = this.#context
    this.#timer = clock.timer(at - clock.monotonic(), () => this.#pump())
  }

  #disarm(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  #warn(thrown: unknown, what: string): void {
    const error = summarizeError(thrown)
    this.#context.logger.warn({ queue: this.name, code: error.code }, `${what}: ${error.message}`)
  }

  #warnBlocked(lateMs: number): void {
    const jobs = [...this.#running].map((job) => job.id)
    const who =
      jobs.length === 0 ? 'a handler that has just ended' : `one of the jobs ${jobs.slice(0, 20).join(', ')}`
    this.#context.logger.warn(
      { queue: this.name, jobs: jobs.slice(0, 20), lateMs: Math.round(lateMs) },
      `the event loop was blocked for ${Math.round(lateMs)} ms, probably by ${who} (queue "${this.name}"): leases cannot be renewed meanwhile; move the work to a worker thread`,
    )
  }
}
