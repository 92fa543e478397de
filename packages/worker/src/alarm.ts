import type { Clock } from '@aimq/events'

/** One timer, set for a time on the monotonic clock. */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #timer: Disposable | undefined

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  set(at: number): void {
    this.#timer = this.#clock.timer(at - this.#clock.monotonic(), this.#ring)
  }

  clear(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }
}
