import type { Clock, WakePath } from '@aimq/events'

/** More queues than that are remembered by nobody: names come from outside. */
const maxQueues = 10_000
/** The least time between two second hints of a queue. */
const leastMs = 10

interface Pending {
  readonly timer: Disposable
  readonly path: WakePath
  /** The last time asked for. */
  until: number
}

/**
 * Hints that are due a little later, because the sender keeps silent until then: one timer a queue, at the first time
 * asked for, and once more at the last if others came meanwhile.
 */
export class SecondHints {
  readonly #clock: Clock
  readonly #emit: (path: WakePath, queue: string) => void
  readonly #pending = new Map<string, Pending>()

  constructor(clock: Clock, emit: (path: WakePath, queue: string) => void) {
    this.#clock = clock
    this.#emit = emit
  }

  add(path: WakePath, queue: string, inMs: number): void {
    const until = this.#clock.monotonic() + Math.max(inMs, leastMs)
    const known = this.#pending.get(queue)
    if (known !== undefined) known.until = Math.max(known.until, until)
    else if (this.#pending.size < maxQueues) this.#arm(path, queue, until)
  }

  stop(): void {
    for (const { timer } of this.#pending.values()) timer[Symbol.dispose]()
    this.#pending.clear()
  }

  #arm(path: WakePath, queue: string, until: number): void {
    const timer = this.#clock.timer(until - this.#clock.monotonic(), () => this.#due(queue))
    this.#pending.set(queue, { timer, path, until })
  }

  #due(queue: string): void {
    const pending = this.#pending.get(queue)
    if (pending === undefined) return
    this.#pending.delete(queue)
    const { path, until } = pending
    if (until > this.#clock.monotonic() + leastMs) this.#arm(path, queue, until)
    this.#emit(path, queue)
  }
}
