/**
 * The bound on handlers over all queues. Slots go round in the order of asking: a queue with a job ready to start waits
 * its turn, and none takes a slot back before those that waited longer, however busy it is.
 */
export class Slots {
  readonly total: number
  #taken = 0
  /** Told when it is their turn. Only who has a job to start may stand here. */
  readonly #waiting = new Set<() => void>()

  constructor(total: number) {
    this.total = total
  }

  get free(): number {
    return this.total - this.#taken
  }

  /** True: a slot is taken, to be given back with {@link give}. False: `onTurn` is called when it is this one's turn. */
  take(onTurn: () => void): boolean {
    // Nobody stands in the line: the usual case, once for each job.
    if (this.#waiting.size === 0 && this.free > 0) {
      this.#taken++
      return true
    }
    const [first] = this.#waiting
    if (this.free <= 0 || (first !== undefined && first !== onTurn)) {
      this.#waiting.add(onTurn)
      return false
    }
    this.#waiting.delete(onTurn)
    this.#taken++
    this.#tellNext()
    return true
  }

  give(): void {
    this.#taken--
    this.#tellNext()
  }

  /** Gives up its place in the line: there is nothing to start any more. */
  forget(onTurn: () => void): void {
    if (this.#waiting.delete(onTurn)) this.#tellNext()
  }

  #tellNext(): void {
    if (this.#waiting.size === 0) return
    const [first] = this.#waiting
    if (this.free > 0) first?.()
  }
}
