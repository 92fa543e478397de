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
  /** Timers fired this late: something blocked the event loop. */
  readonly onBlocked: (lateMs: number) => void
}

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
  #beating = false
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

  add(job: ActiveJob): void {
    if (this.#held.size === 0) this.#beatAt = this.#options.clock.monotonic() + this.#beatEveryMs
    this.#held.add(job)
    this.#wakeBy(this.#beatAt)
  }

  /** A handler began, or a signal was aborted: something may be due earlier than the next heartbeat. */
  watch(job: ActiveJob): void {
    this.#wakeBy(job.giveUpAt ?? (job.startedAt ?? 0) + this.#options.timeoutMs)
  }

  remove(job: ActiveJob): void {
    this.#held.delete(job)
    if (this.#held.size === 0) this.stop()
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  #wakeBy(at: number): void {
    if (at >= this.#timerAt) return
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
      if (job.settling) continue
      if (job.trustedUntil <= now && job.abortCause !== 'lease-lost') this.#options.onLost(job)
      if (job.startedAt === undefined) continue
      if (job.abortCause === undefined && job.startedAt + timeoutMs <= now) this.#options.onTimeout(job)
      if (job.giveUpAt !== undefined && job.giveUpAt <= now) this.#options.onStuck(job)
    }
    if (this.#beatAt <= now && !this.#beating) void this.#beat()
    this.#wakeForNext(now)
  }

  #wakeForNext(now: number): void {
    if (this.#held.size === 0) return
    let at = this.#beating ? now + this.#beatEveryMs : this.#beatAt
    for (const job of this.#held) {
      if (job.settling) continue
      if (job.abortCause !== 'lease-lost') at = Math.min(at, job.trustedUntil)
      if (job.startedAt === undefined) continue
      at = Math.min(at, job.giveUpAt ?? job.startedAt + this.#options.timeoutMs)
    }
    this.#wakeBy(Math.max(at, now + 1))
  }

  async #beat(): Promise<void> {
    const { clock, extend, leaseMs, onLost } = this.#options
    const sentAt = clock.monotonic()
    // Jobs read since the last heartbeat are fresh enough to wait for the next one.
    const stale = [...this.#held].filter(
      (job) => job.trustedUntil - sentAt < (leaseMs * 2) / 3 && job.abortCause !== 'lease-lost',
    )
    this.#beatAt = sentAt + this.#beatEveryMs
    if (stale.length === 0) return
    this.#beating = true
    try {
      const lost = new Set(await extend(stale.map((job) => job.message)))
      const until = this.trustedUntil(sentAt)
      for (const job of stale) {
        // A job that is being settled answers for itself: gone may mean done.
        if (!lost.has(job.id)) job.trustedUntil = until
        else if (!job.settling && this.#held.has(job)) onLost(job)
      }
    } catch {
      // The runner's own reads and settlements report that the database is away; here only time counts.
      this.#beatAt = clock.monotonic() + Math.min(1000, this.#beatEveryMs / 2)
    } finally {
      this.#beating = false
      this.#wakeForNext(clock.monotonic())
    }
  }
}
