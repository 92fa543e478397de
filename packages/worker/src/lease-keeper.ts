import type { Clock, Lease } from '@aimq/events'
import type { ActiveJob } from './active-job.ts'

export interface LeaseKeeperOptions {
  readonly clock: Clock
  readonly leaseMs: number
  readonly timeoutMs: number
  /** Renews the leases; answers with the ids that were lost. */
  readonly extend: (leases: readonly Lease[]) => Promise<readonly string[]>
  /** The lease of a job that is buffered or running can no longer be believed. */
  readonly onLost: (job: ActiveJob) => void
  /** A job runs longer than its timeout. */
  readonly onTimeout: (job: ActiveJob) => void
  /** A job's handler has not heeded its signal by `giveUpAt`. */
  readonly onStuck: (job: ActiveJob) => void
  /** A job has been leased ahead for too long: somebody else may have a free slot. */
  readonly onOverdue: (job: ActiveJob) => void
  /** A heartbeat was answered, or failed. */
  readonly onBeaten: () => void
  /** Timers fired this late: something blocked the event loop. */
  readonly onBlocked: (lateMs: number) => void
}

/** How long a job may wait between its read and its start. */
const maxBufferedMs = 1000

/**
 * Keeps the leases of the jobs in hand: one heartbeat for all of them every third of a lease, and a watch over what
 * runs out, leases and timeouts, with a single timer. A lease is measured from *before* the statement that took it was
 * sent, on the monotonic clock, and believed for less than its length, so that it is given up before somebody else can
 * have it.
 */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions
  readonly #held = new Set<ActiveJob>()
  readonly #beatEveryMs: number
  #beatAt = 0
  /** The jobs of the heartbeat under way. A release must wait for it: it would give the lease back its length. */
  #beating: ReadonlySet<ActiveJob> = new Set()
  #closed = false
  #timer: Disposable | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(options: LeaseKeeperOptions) {
    this.#options = options
    this.#beatEveryMs = options.leaseMs / 3
  }

  /** Until when a lease is believed that a statement sent at `sentAt` took. */
  trustedUntil(sentAt: number): number {
    const { leaseMs } = this.#options
    return sentAt + leaseMs - Math.min(2000, leaseMs / 4)
  }

  get held(): ReadonlySet<ActiveJob> {
    return this.#held
  }

  /** Whether a heartbeat with this job in it is under way. */
  isBeating(job: ActiveJob): boolean {
    return this.#beating.has(job)
  }

  /** @param sentAt when the read was: its answer may have taken long, and the lease runs from before it */
  add(job: ActiveJob, sentAt: number): void {
    if (this.#closed) return
    const beatAt = sentAt + this.#beatEveryMs
    this.#beatAt = this.#held.size === 0 ? beatAt : Math.min(this.#beatAt, beatAt)
    this.#held.add(job)
    this.#wakeBy(Math.min(this.#beatAt, job.takenAt + maxBufferedMs))
  }

  /** A handler began, or a signal was aborted: something may be due earlier than the next heartbeat. */
  watch(job: ActiveJob): void {
    this.#wakeBy(job.giveUpAt ?? (job.startedAt ?? 0) + this.#options.timeoutMs)
  }

  remove(job: ActiveJob): void {
    this.#held.delete(job)
    if (this.#held.size === 0) this.#disarm()
  }

  /** No heartbeat goes out after this, whatever is still under way. */
  close(): void {
    this.#closed = true
    this.#held.clear()
    this.#disarm()
  }

  #disarm(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  #wakeBy(at: number): void {
    if (this.#closed || at >= this.#timerAt) return
    this.#timer?.[Symbol.dispose]()
    this.#timerAt = at
    const { clock } = this.#options
    this.#timer = clock.timer(at - clock.monotonic(), () => this.#tick())
  }

  #tick(): void {
    const { clock, timeoutMs } = this.#options
    const now = clock.monotonic()
    const lateMs = now - this.#timerAt
    this.#timer = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
    if (lateMs > this.#beatEveryMs) this.#options.onBlocked(lateMs)

    for (const job of [...this.#held]) {
      if (job.settling || !this.#held.has(job)) continue
      if (job.trustedUntil <= now && job.abortCause !== 'lease-lost') this.#options.onLost(job)
      else if (job.startedAt === undefined && job.takenAt + maxBufferedMs <= now) this.#options.onOverdue(job)
      if (job.startedAt === undefined) continue
      if (job.abortCause === undefined && job.startedAt + timeoutMs <= now) this.#options.onTimeout(job)
      if (job.giveUpAt !== undefined && job.giveUpAt <= now) this.#options.onStuck(job)
    }
    if (this.#beatAt <= now && this.#beating.size === 0) void this.#beat()
    this.#wakeForNext(now)
  }

  #wakeForNext(now: number): void {
    if (this.#held.size === 0) return
    let at = this.#beating.size > 0 ? now + this.#beatEveryMs : this.#beatAt
    for (const job of this.#held) {
      if (job.settling) continue
      if (job.abortCause !== 'lease-lost') at = Math.min(at, job.trustedUntil)
      if (job.startedAt !== undefined)
        at = Math.min(at, job.giveUpAt ?? job.startedAt + this.#options.timeoutMs)
      // Said once; what is kept all the same is looked at with the next heartbeat.
      else if (job.takenAt + maxBufferedMs > now) at = Math.min(at, job.takenAt + maxBufferedMs)
    }
    this.#wakeBy(Math.max(at, now + 1))
  }

  async #beat(): Promise<void> {
    const { clock, extend, onLost, onBeaten } = this.#options
    const sentAt = clock.monotonic()
    this.#beatAt = sentAt + this.#beatEveryMs
    const stale = [...this.#held].filter((job) => this.#wantsRenewal(job, sentAt))
    if (stale.length === 0) return
    this.#beating = new Set(stale)
    try {
      const lost = new Set(await extend(stale.map((job) => job.message)))
      const until = this.trustedUntil(sentAt)
      for (const job of stale) {
        // A job that is being settled answers for itself: gone may mean done.
        if (!lost.has(job.id)) job.trustedUntil = until
        else if (!job.settling && this.#held.has(job) && job.abortCause !== 'lease-lost') onLost(job)
      }
    } catch {
      // The runner's own reads and settlements report that the database is away; here only time counts.
      this.#beatAt = clock.monotonic() + Math.min(1000, this.#beatEveryMs / 2)
    } finally {
      this.#beating = new Set()
      if (!this.#closed) {
        this.#wakeForNext(clock.monotonic())
        onBeaten()
      }
    }
  }

  #wantsRenewal(job: ActiveJob, now: number): boolean {
    // What goes back into the queue must keep the time it is given there.
    if (job.abortCause === 'lease-lost' || job.releasing) return false
    // Jobs read since the last heartbeat are fresh enough to wait for the next one.
    return job.trustedUntil - now < (this.#options.leaseMs * 2) / 3
  }
}
