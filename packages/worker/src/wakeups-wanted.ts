import type { Bus } from '@aimq/events'

/** Says on the bus whether a queue's loop wants wake-ups, whenever that changes. */
export class WakeupsWanted {
  readonly #bus: Bus
  readonly #queue: string
  /** Until it is said, they are wanted. */
  #told = true

  constructor(bus: Bus, queue: string) {
    this.#bus = bus
    this.#queue = queue
  }

  say(wanted: boolean): void {
    if (wanted === this.#told) return
    this.#told = wanted
    this.#bus.emit('worker:wakeups-wanted', { queue: this.#queue, wanted })
  }

  /** For somebody who was not there. */
  repeat(): void {
    if (!this.#told) this.#bus.emit('worker:wakeups-wanted', { queue: this.#queue, wanted: false })
  }
}
