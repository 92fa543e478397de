import type { QueueStatus, ReadResult } from '@aimq/events'
import type { ActiveJob } from './active-job.ts'
import { Alarm } from './alarm.ts'
import { DeadLetterLane } from './dead-letter-lane.ts'
import { giveUpLater } from './decide.ts'
import { Flow } from './flow.ts'
import { Hand } from './hand.ts'
import { type EndedJob, Ledger, releasesOf, settlementOf } from './ledger.ts'
import { longestWaitMs } from './longest-wait.ts'
import type { ResolvedQueue } from './options.ts'
import { isRefusal, Outbox } from './outbox.ts'
import { Reached } from './reached.ts'
import { Refused } from './refused.ts'
import type { RunnerContext } from './runner-context.ts'
import { Trouble } from './trouble.ts'
import {
  type HintSaid,
  initialWakeState,
  lookBy,
  type Moment,
  nextLook,
  onError,
  onFound,
  onHint,
  onLookBegan,
  onLull,
  onNothing,
  onSettled,
  type WakeState,
} from './wake-loop.ts'
import { WakeupsWanted } from './wakeups-wanted.ts'

/** One read never asks for more. */
const maxReadCount = 1000
/** Dead letters that cannot be moved hold up reading at this number, before they fill the memory. */
const maxStuckDeadLetters = 1000
/** When the worker stops: how long handlers may take to heed the signal, and the last settlements to be written. */
const shutdownAbortMs = 500
const shutdownFlushMs = 5000

/**
 * Works one queue. `#pump` is the loop: called whenever anything changed, it starts what can start and sends at most
 * one statement, which carries every settlement of the moment and the next read; in a fast flow a second one beside it,
 * of which `wake-loop` knows nothing. When to look is decided by `wake-loop`, how much to read by `flow`, what becomes of
 * a job by `decide`; this class only does it.
 */
export class QueueRunner {
  readonly name: string
  readonly wakeups: WakeupsWanted
  readonly #queue: ResolvedQueue
  readonly #context: RunnerContext
  readonly #ledger: Ledger
  readonly #hand: Hand
  readonly #deadLetters: DeadLetterLane
  #wake: WakeState
  readonly #outbox = new Outbox()
  readonly #flow: Flow
  readonly #alarm: Alarm
  readonly #trouble: Trouble
  readonly #refused: Refused
  readonly #reached: Reached
  /** A statement is under way; and the second one of a fast flow. */
  #busy = false
  #busyAhead = false
  #pumpScheduled = false
  #paused = false
  #stopped = false
  #idle = false
  #reads = 0
  #emptyReads = 0

  constructor(queue: ResolvedQueue, context: RunnerContext) {
    this.name = queue.definition.name
    this.#queue = queue
    this.#context = context
    this.wakeups = new WakeupsWanted(context.bus, this.name)
    this.#wake = initialWakeState(context.clock.monotonic())
    this.#ledger = new Ledger(context.bus, queue)
    const { bus, clock, logger, slots, options } = context
    const { leaseMs, concurrency, maxPrefetch } = queue.policy
    this.#alarm = new Alarm(clock, () => this.#pump())
    this.#trouble = new Trouble(bus, logger, this.name)
    this.#reached = new Reached(clock)
    const letGo = (job: ActiveJob) => this.#hand.letGo(job)
    this.#refused = new Refused({ queue: this.name, trouble: this.#trouble, letGo })
    this.#flow = new Flow({ concurrency, maxPrefetch, maxReadCount })
    this.#hand = new Hand({
      clock,
      logger,
      slots,
      queue,
      ledger: this.#ledger,
      abortGraceMs: options.abortGraceMs,
      extend: async (leases) =>
        (await bus.request('queue:extend', { queue: this.name, leases, leaseMs })).lost,
      onEnded: (ended) => this.#ended(ended),
      onChange: () => this.#schedule(),
    })
    this.#deadLetters = new DeadLetterLane({
      clock,
      move: async (jobs) => (await bus.request('queue:settle', this.#settlements(jobs))).lost,
      onMoved: (jobs, lost) => this.#confirm(jobs, lost),
      onFailed: (jobs, thrown, failures) =>
        this.#refused.deadLetters(jobs, thrown, failures, (count) => this.#deadLetters.goSingly(count)),
    })
  }

  start(): void {
    this.#schedule()
  }

  /** Somebody says there is work. */
  hint(said: HintSaid): void {
    this.#wake = onHint(this.#wake, this.#moment(), said)
    // At once: of an idle worker's wake-up, waiting for the end of the turn would be a part that can be measured.
    this.#pump()
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
    this.#wake = onLull(this.#wake)
    this.#schedule()
    const message = `queue "${this.name}" is paused; jobs in hand go on`
    this.#context.bus.emit('worker:queue-paused', { queue: this.name, cause: 'requested', message })
    return true
  }

  /** Answers whether that changed anything. */
  resume(): boolean {
    if (!this.#paused) return false
    this.#paused = false
    this.#context.bus.emit('worker:queue-resumed', { queue: this.name })
    this.look()
    return true
  }

  status(): QueueStatus {
    const { completed, retried, deadLettered, released, leasesLost } = this.#ledger
    return {
      queue: this.name,
      state: this.#paused ? 'paused' : this.#trouble.isPresent ? 'unavailable' : 'running',
      running: this.#hand.running,
      buffered: this.#hand.buffered,
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
    const idle = () => this.#hand.running === 0
    const flushed = () => this.#outbox.size === 0 && !this.#busy && !this.#busyAhead
    const before = this.#ledger.released
    this.#hand.close()
    this.#schedule()
    await this.#reached.until(idle, Number.POSITIVE_INFINITY, signal)
    this.#hand.abortAll(shutdownAbortMs)
    await this.#reached.until(idle, shutdownAbortMs)
    this.#hand.giveUpAll()
    await this.#reached.until(flushed, shutdownFlushMs)
    const unmoved = await this.#deadLetters.finish(shutdownFlushMs)
    for (const ended of unmoved)
      this.#outbox.push({ ...ended, verdict: giveUpLater(ended.verdict), uncertain: true })
    this.#schedule()
    await this.#reached.until(flushed, unmoved.length === 0 ? 0 : shutdownFlushMs)
    this.#stopped = true
    this.wakeups.say(true)
    this.#alarm.clear()
    this.#hand.stop()
    const count = this.#ledger.released - before
    if (count > 0) this.#context.bus.emit('job:enqueued', { queue: this.name, count, source: 'worker' })
  }

  // --- the loop

  /** Pumps after the callbacks of this turn, so that jobs that end together are settled together. */
  #schedule(): void {
    if (this.#pumpScheduled || this.#stopped) return
    this.#pumpScheduled = true
    setImmediate(() => {
      this.#pumpScheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#stopped) return
    this.#hand.start()
    this.#reached.look()
    // A read that was under way when the queue was paused begins no flow.
    this.wakeups.say(this.#wake.wanted || this.#paused)
    const now = this.#context.clock.monotonic()
    if (this.#busy) {
      this.#flow.raise(this.#hand, now)
      this.#pumpAhead(now)
      return
    }
    this.#alarm.clear()
    if (this.#wake.blockedUntil > now) {
      this.#alarm.set(this.#wake.blockedUntil)
      return
    }
    const count = this.#readCount(now)
    const next = count > 0 ? nextLook(this.#wake, now) : undefined
    const reads = next?.kind === 'read' ? count : 0
    const batch = this.#takeSettleable()
    if (reads > 0 || batch.length > 0) {
      void this.#whileBusy(() => this.#exchange(reads, batch))
      // At once, as nothing may happen before the answer comes that would call for it.
      this.#pumpAhead(now)
    } else if (next?.kind === 'probe') void this.#whileBusy(() => this.#probe())
    else if (next?.kind === 'wait') this.#alarm.set(next.until)
  }

  /** The second statement of a fast flow. One that finds nothing says nothing: the first is about to ask again. */
  #pumpAhead(now: number): void {
    if (this.#busyAhead || !this.#flow.isFast || this.#wake.blockedUntil > now) return
    const count =
      this.#wake.empty > 0 || !this.#mayRead ? 0 : this.#flow.share(this.#hand.room(this.#flow.ahead))
    if (count + this.#outbox.size < this.#flow.worthwhile) return
    const batch = this.#takeSettleable()
    if (count + batch.length === 0) return
    this.#busyAhead = true
    void this.#attempt(() => this.#exchange(count, batch, true)).then(() => {
      this.#busyAhead = false
      this.#schedule()
    })
  }

  /** A release whose lease a heartbeat under way may yet prolong has to wait for that. */
  #takeSettleable(): EndedJob[] {
    return this.#outbox.take(({ job }) => !(job.releasing && this.#hand.isBeating(job)))
  }

  get #mayRead(): boolean {
    return !this.#paused && this.#deadLetters.size < maxStuckDeadLetters
  }

  /** How many messages to read. */
  #readCount(now: number): number {
    if (!this.#mayRead) return 0
    return this.#flow.share(this.#hand.room(this.#flow.measure(this.#hand, now)))
  }

  async #whileBusy(statement: () => Promise<void>): Promise<void> {
    this.#busy = true
    await this.#attempt(statement)
    this.#busy = false
    this.#schedule()
  }

  async #attempt(statement: () => Promise<void>): Promise<void> {
    try {
      await statement()
      this.#trouble.end()
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  /** Settles what has ended and reads up to `count` messages, on one round trip. */
  async #exchange(count: number, batch: EndedJob[], ahead = false): Promise<void> {
    const { bus, clock } = this.#context
    const read = { count, leaseMs: this.#queue.policy.leaseMs }
    const sentAt = clock.monotonic()
    const arrived = this.#flow.expect(count)
    if (count > 0) this.#readBegins(sentAt, ahead)
    try {
      if (batch.length === 0) {
        this.#accept(await bus.request('queue:read', { queue: this.name, ...read }), count, sentAt, ahead)
        return
      }
      const answer = await bus.request('queue:settle', {
        ...this.#settlements(batch),
        ...(count > 0 ? { read } : {}),
      })
      this.#confirm(batch, answer.lost)
      if (answer.read === undefined) this.#wake = onSettled(this.#wake)
      else this.#accept(answer.read, count, sentAt, ahead)
    } catch (thrown) {
      if (batch.length === 0 || !isRefusal(thrown)) {
        this.#outbox.putBack(batch, thrown)
        throw thrown
      }
      if (batch.length > 1) this.#outbox.putBackSingly(batch)
      else for (const ended of this.#refused.reduce(batch, thrown)) this.#outbox.push(ended)
    } finally {
      arrived()
    }
  }

  async #probe(): Promise<void> {
    this.#wake = onLookBegan(this.#wake, this.#context.clock.monotonic())
    this.#foundNothing(await this.#context.bus.request('queue:probe', { queue: this.name }))
  }

  #readBegins(now: number, ahead: boolean): void {
    this.#reads++
    if (ahead) return
    this.#wake = onLookBegan(this.#wake, now)
    this.#flow.begins(this.#hand, now)
  }

  #accept(read: ReadResult, count: number, sentAt: number, ahead: boolean): void {
    if (this.#stopped) {
      this.#handBackLate(read)
      return
    }
    const { idleSince } = this.#hand
    if (read.messages.length > 0 && idleSince !== undefined)
      this.#flow.starved(idleSince, this.#context.clock.monotonic())
    // Before the loop's own affairs, so that handlers start that much sooner.
    this.#hand.take(read, sentAt)
    if (read.messages.length > 0) {
      this.#idle = false
      this.#found(read, count)
    } else {
      this.#emptyReads++
      if (!ahead) this.#foundNothing(read.next ?? { nextDueInMs: null, newestId: null })
    }
  }

  #found(read: ReadResult, asked: number): void {
    const { clock, options, wakeupsProven } = this.#context
    const told = this.#wake.untold === 0
    const waitedMs = wakeupsProven() ? longestWaitMs(read) : 0
    this.#wake = onFound(this.#wake, clock.monotonic(), { count: read.messages.length, asked, waitedMs })
    if (told && this.#wake.untold > 0) this.#trouble.untold(options.pollIntervalMs)
  }

  /** The answer to a read came after the worker had stopped. If this fails, too, the leases end by themselves. */
  #handBackLate(read: ReadResult): void {
    const settlements = releasesOf(read, this.#queue)
    if (settlements.length === 0) return
    this.#context.bus.request('queue:settle', { queue: this.name, settlements }).catch(() => {})
  }

  #foundNothing(next: NonNullable<ReadResult['next']>): void {
    const { options, wakeupsProven, bus } = this.#context
    const proven = wakeupsProven() && this.#wake.untold === 0
    const pollIntervalMs = proven ? options.safetyPollIntervalMs : options.pollIntervalMs
    this.#wake = onNothing(this.#wake, next, { pollIntervalMs, eager: !proven }, this.#moment())
    if (this.#idle || this.#hand.size > 0) return
    this.#idle = true
    bus.emit('worker:queue-idled', { queue: this.name })
  }

  #failed(thrown: unknown): void {
    const moment = this.#moment()
    // Two statements that fail together are one trouble.
    if (this.#wake.blockedUntil <= moment.now) this.#wake = onError(this.#wake, moment)
    this.#trouble.begin(thrown)
  }

  // --- settlements

  #ended(ended: EndedJob): void {
    if (ended.verdict.kind === 'dead-letter') this.#deadLetters.push(ended)
    else this.#outbox.push(ended)
  }

  #settlements(jobs: readonly EndedJob[]) {
    return { queue: this.name, settlements: jobs.map((ended) => settlementOf(ended, this.#queue)) }
  }

  #confirm(jobs: readonly EndedJob[], lostIds: readonly string[]): void {
    const lost = lostIds.length === 0 ? undefined : new Set(lostIds)
    const now = this.#context.clock.monotonic()
    for (const ended of jobs) {
      this.#hand.letGo(ended.job)
      if (lost?.has(ended.job.id) && !ended.uncertain) {
        this.#ledger.leaseLost(ended.job)
        continue
      }
      this.#ledger.settled(ended)
      if (ended.verdict.kind === 'retry') this.#wake = lookBy(this.#wake, now + ended.verdict.delayMs)
    }
    this.#schedule()
  }

  #moment(): Moment {
    return { now: this.#context.clock.monotonic(), random: Math.random }
  }
}
