import type { Clock } from '@aimq/events'
import type { EndedJob } from './ledger.ts'

const retryMs = { min: 1000, max: 30_000 }

export interface DeadLetterLaneOptions {
  readonly clock: Clock
  /** Moves them; answers with the ids that were lost. */
  readonly move: (jobs: readonly EndedJob[]) => Promise<readonly string[]>
  readonly onMoved: (jobs: readonly EndedJob[], lost: readonly string[]) => void
  /** Called once for a run of failures. */
  readonly onFailing: (thrown: unknown) => void
}

/**
 * Dead letters travel apart from the other settlements: a dead-letter queue that is missing or forbidden must not hold
 * up jobs that went well. Until the move works the messages stay in hand, leased and never run again.
 */
export class DeadLetterLane {
  readonly #options: DeadLetterLaneOptions
  readonly #pending: EndedJob[] = []
  #moving = 0
  #failures = 0
  #retry: Disposable | undefined
  #current: Promise<void> | undefined

  constructor(options: DeadLetterLaneOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#pending.length + this.#moving
  }

  push(ended: EndedJob): void {
    this.#pending.push(ended)
    if (this.#retry === undefined) this.#begin()
  }

  /** Waits for the move under way, tries once more what is left, and then no more; `limitMs` at most. */
  async finish(limitMs: number): Promise<void> {
    const { promise: limit, resolve } = Promise.withResolvers<void>()
    using _ = this.#options.clock.timer(limitMs, resolve)
    await Promise.race([this.#finish(), limit])
    this.#cancelRetry()
  }

  async #finish(): Promise<void> {
    await this.#current
    this.#cancelRetry()
    if (this.#pending.length > 0) await this.#run()
  }

  #cancelRetry(): void {
    this.#retry?.[Symbol.dispose]()
    this.#retry = undefined
  }

  #begin(): void {
    this.#current = this.#run()
  }

  async #run(): Promise<void> {
    if (this.#moving > 0 || this.#pending.length === 0) return
    const batch = this.#pending.splice(0)
    this.#moving = batch.length
    try {
      const lost = await this.#options.move(batch)
      this.#failures = 0
      this.#moving = 0
      this.#options.onMoved(batch, lost)
      await this.#run()
    } catch (thrown) {
      this.#moving = 0
      this.#failed(batch, thrown)
    }
  }

  #failed(batch: readonly EndedJob[], thrown: unknown): void {
    for (const ended of batch) ended.uncertain = true
    this.#pending.unshift(...batch)
    if (this.#failures++ === 0) this.#options.onFailing(thrown)
    const wait = Math.min(retryMs.max, retryMs.min * 2 ** Math.min(this.#failures - 1, 10))
    this.#retry = this.#options.clock.timer(wait, () => {
      this.#retry = undefined
      this.#begin()
    })
  }
}
