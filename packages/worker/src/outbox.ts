import { summarizeError } from '@aimq/events'
import { bareVerdict } from './decide.ts'
import type { EndedJob } from './ledger.ts'

/** Jobs that have ended and whose settlement has not been sent, or was sent in vain. */
export class Outbox {
  #pending: EndedJob[] = []
  /** After a refusal jobs are settled one by one, so that one bad settlement holds up no other. */
  #singly = 0

  get size(): number {
    return this.#pending.length
  }

  push(ended: EndedJob): void {
    this.#pending.push(ended)
  }

  /** What can be sent now. */
  take(mayGo: (ended: EndedJob) => boolean): EndedJob[] {
    if (this.#pending.length === 0) return []
    const ready = this.#pending.filter(mayGo)
    const batch = this.#singly > 0 ? ready.slice(0, 1) : ready
    this.#singly = Math.max(0, this.#singly - batch.length)
    if (batch.length === this.#pending.length) this.#pending = []
    else {
      const taken = new Set(batch)
      this.#pending = this.#pending.filter((ended) => !taken.has(ended))
    }
    return batch
  }

  /** The statement that carried them failed: they go again, and what it did is not known. */
  putBack(batch: readonly EndedJob[], thrown: unknown): void {
    markUncertain(batch, thrown)
    this.#pending.unshift(...batch)
  }

  /** The queue will not have this batch as it is. They go again one by one. */
  putBackSingly(batch: readonly EndedJob[]): void {
    this.#singly += batch.length
    this.#pending.unshift(...batch)
  }
}

/** The queue will never take this, however often it is tried: something in it is not as it must be. */
export function isRefusal(thrown: unknown): boolean {
  return /^(queue|events)\/invalid-/.test(summarizeError(thrown).code)
}

/** Leaves of a refused settlement what must be. False when that was all there was of it already. */
export function makeBare(ended: EndedJob): boolean {
  if (ended.bare) return false
  ended.verdict = bareVerdict(ended.verdict)
  ended.bare = true
  return true
}

/** Errors after which it is certain that nothing was changed. */
const nothingChanged = /^queue\/(permission-denied|not-found|read-only|unlogged|pgmq-missing)$/

/** «Gone» may mean done from now on, unless the database said that it did nothing. */
export function markUncertain(batch: readonly EndedJob[], thrown: unknown): void {
  if (nothingChanged.test(summarizeError(thrown).code)) return
  for (const ended of batch) ended.uncertain = true
}
