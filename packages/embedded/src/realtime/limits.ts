/** Every limit that is left out does not exist, except the one on presence. */
export interface RealtimeLimits {
  /** Sockets open at once; more are refused with status 429. */
  readonly sockets?: number
  readonly channelsPerSocket?: number
  readonly joinsPerSecond?: number
  /** A broadcast to N channels counts N + 1. */
  readonly eventsPerSecond?: number
  /**
   * Rates are averages over at most twelve buckets of this length.
   * @default 5000
   */
  readonly rateBucketMs?: number
  /** Longest payload of a broadcast or a presence. */
  readonly payloadBytes?: number
  /**
   * Presence calls of one channel per window; `false` for any number.
   * @default 5
   */
  readonly presenceCalls?: number | false
  /** @default 30000 */
  readonly presenceWindowMs?: number
}

const maxBuckets = 12

/** An average over the last full buckets. Without a limit it never trips and counts nothing. */
export class RateLimit {
  readonly #limit: number | undefined
  readonly #bucketMs: number
  #buckets: { index: number; count: number }[] = []

  constructor(limit: number | undefined, bucketMs = 5000) {
    this.#limit = limit
    this.#bucketMs = bucketMs
  }

  add(count: number): void {
    if (this.#limit === undefined) return
    const index = this.#index()
    const last = this.#buckets.at(-1)
    if (last?.index === index) last.count += count
    else this.#buckets.push({ index, count })
    this.#buckets = this.#buckets.filter((bucket) => bucket.index >= index - maxBuckets)
  }

  /** Was there, on average, more than the limit? `extra` are events that somebody wants to add. */
  isTripped(extra = 0): boolean {
    if (this.#limit === undefined) return false
    return this.perSecond() + extra > this.#limit
  }

  perSecond(): number {
    const index = this.#index()
    const full = this.#buckets.filter((bucket) => bucket.index < index && bucket.index >= index - maxBuckets)
    const first = full[0]
    if (first === undefined) return 0
    const total = full.reduce((sum, bucket) => sum + bucket.count, 0)
    return (total * 1000) / ((index - first.index) * this.#bucketMs)
  }

  #index(): number {
    return Math.floor(performance.now() / this.#bucketMs)
  }
}

/** At most so many calls in a window that opens with the first of them. */
export class CallLimit {
  readonly #max: number
  readonly #windowMs: number
  #calls = 0
  #end = 0

  constructor(limits: RealtimeLimits) {
    const { presenceCalls = 5, presenceWindowMs = 30_000 } = limits
    this.#max = presenceCalls === false ? Number.POSITIVE_INFINITY : presenceCalls
    this.#windowMs = presenceWindowMs
  }

  /** Counts a call, and tells whether it is still allowed. */
  allows(): boolean {
    const now = performance.now()
    if (now > this.#end) {
      this.#end = now + this.#windowMs
      this.#calls = 0
    }
    this.#calls += 1
    return this.#calls <= this.#max
  }
}
