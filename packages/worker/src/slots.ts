/**
 * The bound on handlers over all queues. Queues that found no slot are told when one frees, in the
 * order of asking, so that a busy queue cannot starve the others.
 */
export class Slots {
  readonly total: number
  #taken = 0
  readonly #waiting = new Set<() => void>()

  constructor(total: number) {
    this.total = total
  }

  get free(): number {
    return this.total - this.#taken
  }

  /** True: a slot is taken, to be given back with {@link give}. False: `onFree` is called once when one frees. */
  take(onFree: () => void): boolean {
    if (this.#taken >= this.total) {
      this.wait(onFree)
      return false
    }
    this.#taken++
    return true
  }

  /** `onFree` is called once when a slot frees. */
  wait(onFree: () => void): void {
    this.#waiting.add(onFree)
  }

  give(): void {
    this.#taken--
    // All are told: the first may find that it has nothing to run, and the slot must not stay empty for that.
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const tell of waiting) tell()
  }

  forget(onFree: () => void): void {
    this.#waiting.delete(onFree)
  }
}
