import { prefetchTarget } from './prefetch.ts'

/** So many messages ahead are a flow in which a second statement is worth its round trip. */
const fastFrom = 100

export interface FlowLimits {
  readonly concurrency: number
  readonly maxPrefetch: number
  /** One read never asks for more. */
  readonly maxReadCount: number
}

/** What handlers have done, ever. */
export interface Work {
  /** How many have ended. */
  readonly finished: number
  /** How long these ran, all together. */
  readonly workedMs: number
}

/**
 * How much one queue reads. In a fast flow two statements are under way at a time and each asks for half of what there is
 * room for, so that the database works on one while the handlers work on the other.
 */
export class Flow {
  readonly #limits: FlowLimits
  #finishedBefore = 0
  #workedMsBefore = 0
  /** When the read began, later by what the handlers have waited for messages since. */
  #since = 0
  /** Up to when that waiting has been looked at. */
  #seenUntil = 0
  #ahead = 0
  #expected = 0

  constructor(limits: FlowLimits) {
    this.#limits = limits
  }

  get isFast(): boolean {
    return this.#ahead >= fastFrom
  }

  /** What is worth a second statement: messages to settle and to read, together. */
  get worthwhile(): number {
    return Math.min(this.#ahead / 2, this.#limits.maxReadCount)
  }

  /** How many messages to hold beyond the free slots, at the pace since the last read that was counted by `begins`. */
  measure({ finished, workedMs }: Work, now: number): number {
    const { concurrency, maxPrefetch } = this.#limits
    // Jobs that happen to end together, after a long run, are no quick jobs.
    const leastMs = (workedMs - this.#workedMsBefore) / concurrency
    const elapsedMs = Math.max(leastMs, now - this.#since)
    this.#ahead = prefetchTarget(finished - this.#finishedBefore, elapsedMs, maxPrefetch)
    return this.#ahead
  }

  /** Measures again while a read is under way: what others bring meanwhile may show that more is wanted, not that less is. */
  raise(work: Work, now: number): void {
    const ahead = this.#ahead
    this.#ahead = Math.max(ahead, this.measure(work, now))
  }

  /** The same as measured last. */
  get ahead(): number {
    return this.#ahead
  }

  /** A read begins from which the pace is measured. */
  begins({ finished, workedMs }: Work, now: number): void {
    this.#finishedBefore = finished
    this.#workedMsBefore = workedMs
    this.#since = now
    this.#seenUntil = now
  }

  /**
   * Messages have come, and nothing has run since `idleSince`. How long the database took says nothing about the pace of
   * handlers; held against them, it would make the reads smaller when each takes longer.
   */
  starved(idleSince: number, now: number): void {
    this.#since += now - Math.max(idleSince, this.#seenUntil)
    this.#seenUntil = now
  }

  /** How many to ask for, when there is room for `room`. */
  share(room: number): number {
    const { concurrency, maxReadCount } = this.#limits
    const half = this.isFast ? Math.ceil((concurrency + this.#ahead) / 2) : maxReadCount
    return Math.max(0, Math.min(maxReadCount, half, room - this.#expected))
  }

  /** Counts what a statement under way may bring, until the function it answers with is called. */
  expect(count: number): () => void {
    this.#expected += count
    return () => {
      this.#expected -= count
    }
  }
}
