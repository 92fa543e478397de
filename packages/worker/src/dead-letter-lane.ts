import type { Clock } from '@aimq/events'
import type { ActiveJob } from './active-job.ts'
import type { EndedJob } from './ledger.ts'

const retryMs = { min: 1000, max: 30_000 }

export interface DeadLetterLaneOptions {
  readonly clock: Clock
  /** Moves them; answers with the ids that were lost. */
  readonly move: (jobs: readonly EndedJob[]) => Promise<readonly string[]>
  readonly onMoved: (jobs: readonly EndedJob[], lost: readonly string[]) => void
  /** The move failed: answers with what is to be tried again. */
  readonly onFailed: (jobs: readonly EndedJob[], thrown: unknown, failures: number) => readonly EndedJob[]
}

/**
 * Dead letters travel apart from the other settlements: a dead-letter queue that is missing or forbidden must not hold
 * up jobs that went well. Until the move works the messages stay in hand, leased and never run again.
 */
export class DeadLetterLane {
  readonly #options: DeadLetterLaneOptions
  #pending: EndedJob[] = []
  #moving = 0
  #failures = 0
  /** After a refusal letters go one by one, so that one bad letter holds up no other. */
  #singly = 0
  #retry: Disposable | undefined
  #current: Promise<void> = Promise.resolve()
  #finished = false

  constructor(options: DeadLetterLaneOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#pending.length + this.#moving
  }

  push(ended: EndedJob): void {
    this.#pending.push(ended)
    if (this.#moving === 0 && this.#retry === undefined) this.#begin()
  }

  /** Whether this job waits here. */
  has(job: ActiveJob): boolean {
    return this.#pending.some((ended) => ended.job === job)
  }

  /** Sends the next `count` letters one by one. */
  goSingly(count: number): void {
    this.#singly = Math.max(this.#singly, count)
  }

  /** Waits for the move under way, tries once more what is left, `limitMs` at most, and answers with what still is. */
  async finish(limitMs: number): Promise<readonly EndedJob[]> {
    this.#finished = true
    this.#cancelRetry()
    const { promise: limit, resolve } = Promise.withResolvers<void>()
    using _ = this.#options.clock.timer(limitMs, resolve)
    await Promise.race([this.#finish(), limit])
    return this.#pending.splice(0)
  }

  async #finish(): Promise<void> {
    await this.#current
    if (this.#pending.length > 0) await this.#run()
  }

  #begin(): void {
    this.#current = this.#run()
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0, this.#singly > 0 ? 1 : this.#pending.length)
      this.#singly = Math.max(0, this.#singly - batch.length)
      this.#moving = batch.length
      try {
        const lost = await this.#options.move(batch)
        this.#moving = 0
        this.#failures = 0
        this.#options.onMoved(batch, lost)
      } catch (thrown) {
        this.#moving = 0
        this.#failures++
        const again = this.#options.onFailed(batch, thrown, this.#failures)
        this.#pending.unshift(...again)
        if (this.#singly > 0) continue
        this.#retryLater()
        return
      }
    }
  }

  #retryLater(): void {
    if (this.#finished || this.#pending.length === 0) return
    const wait = Math.min(retryMs.max, retryMs.min * 2 ** Math.min(this.#failures - 1, 10))
    this.#retry = this.#options.clock.timer(wait, () => {
      this.#retry = undefined
      this.#begin()
    })
  }

  #cancelRetry(): void {
    this.#retry?.[Symbol.dispose]()
    this.#retry = undefined
  }
}
