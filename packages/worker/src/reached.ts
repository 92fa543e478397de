import type { Clock } from '@aimq/events'

/** Waits until something that the loop brings about is so; looked at whenever the loop has gone round. */
export class Reached {
  readonly #clock: Clock
  #look: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The loop went round. */
  look(): void {
    this.#look?.()
  }

  /** Resolves when `holds`, after `limitMs`, or when `signal` aborts, whichever is first. */
  async until(holds: () => boolean, limitMs: number, signal?: AbortSignal): Promise<void> {
    if (holds() || signal?.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#look = () => holds() && resolve()
    signal?.addEventListener('abort', () => resolve(), { once: true })
    using _ = Number.isFinite(limitMs) ? this.#clock.timer(limitMs, resolve) : undefined
    await promise
    this.#look = undefined
  }
}
