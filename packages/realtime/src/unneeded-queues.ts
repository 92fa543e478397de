import type { Clock } from '@aimq/events'

/** Names come from outside: more than that many are not remembered. */
const maxForeign = 100
/** Whoever floods a queue of others has its name written no more often than that. */
const foreignEveryMs = 1000

/**
 * The queues of which this process need not be told: those whose worker reads without a pause, and those that somebody
 * else works. The second are learned from hints that were of no use here.
 */
export class UnneededQueues {
  readonly #clock: Clock
  readonly #onChange: (queues: ReadonlySet<string>) => void
  readonly #awake = new Set<string>()
  readonly #foreign = new Set<string>()
  #timer: Disposable | undefined

  constructor(clock: Clock, onChange: (queues: ReadonlySet<string>) => void) {
    this.#clock = clock
    this.#onChange = onChange
  }

  /** What the worker says of a queue of its own. */
  wanted(queue: string, wanted: boolean): void {
    if (wanted) this.#awake.delete(queue)
    else this.#awake.add(queue)
    this.#tell()
  }

  /** A hint came for a queue that nobody here works. */
  foreign(queue: string): void {
    if (this.#foreign.has(queue) || this.#foreign.size >= maxForeign) return
    this.#foreign.add(queue)
    this.#timer ??= this.#clock.timer(foreignEveryMs, () => {
      this.#timer = undefined
      this.#tell()
    })
  }

  /** From now on these are worked here. */
  worked(queues: Iterable<string>): void {
    this.#awake.clear()
    for (const queue of queues) this.#foreign.delete(queue)
    this.#tell()
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#awake.clear()
    this.#foreign.clear()
  }

  #tell(): void {
    this.#onChange(new Set([...this.#awake, ...this.#foreign]))
  }
}
