import type { Clock } from '@aimq/events'
import type { Hint } from './hint.ts'

/** One broadcast a queue in this time. */
const windowMs = 50

/**
 * What our own worker puts back is an UPDATE, which no insert trigger sees: peers are told from here, at most once per
 * queue and window, with the sum of the counts and the soonest due time.
 */
export class PeerHints {
  readonly #clock: Clock
  readonly #send: (hint: Hint) => void
  readonly #pending = new Map<string, { count: number; dueAt: number; timer: Disposable }>()

  constructor(clock: Clock, send: (hint: Hint) => void) {
    this.#clock = clock
    this.#send = send
  }

  add(queue: string, count: number, dueInMs: number): void {
    const dueAt = this.#clock.monotonic() + dueInMs
    const known = this.#pending.get(queue)
    if (known === undefined) {
      this.#pending.set(queue, { count, dueAt, timer: this.#clock.timer(windowMs, () => this.#flush(queue)) })
      return
    }
    known.count += count
    known.dueAt = Math.min(known.dueAt, dueAt)
  }

  /** Sends at once what is still waiting. */
  flushAll(): void {
    for (const queue of [...this.#pending.keys()]) this.#flush(queue)
  }

  #flush(queue: string): void {
    const pending = this.#pending.get(queue)
    if (pending === undefined) return
    this.#pending.delete(queue)
    pending.timer[Symbol.dispose]()
    const dueInMs = Math.max(0, pending.dueAt - this.#clock.monotonic())
    this.#send({ queue, count: pending.count, ...(dueInMs > 0 ? { dueInMs } : {}) })
  }
}
