import type { ActiveJob } from './active-job.ts'
import type { EndedJob } from './ledger.ts'
import { isRefusal, makeBare, markUncertain } from './outbox.ts'
import type { Trouble } from './trouble.ts'

export interface RefusedOptions {
  readonly queue: string
  readonly trouble: Trouble
  /** Gives up a message whose end cannot be recorded at all. */
  readonly letGo: (job: ActiveJob) => void
}

/** What becomes of jobs whose settlement the queue did not take. Both answer with what is to be tried again. */
export class Refused {
  readonly #options: RefusedOptions

  constructor(options: RefusedOptions) {
    this.#options = options
  }

  /**
   * Refused on its own: once more with nothing in it but what must be. If even that is refused the message is let go;
   * its lease ends, and it is read again.
   */
  reduce(batch: readonly EndedJob[], thrown: unknown): readonly EndedJob[] {
    const { queue, trouble, letGo } = this.#options
    return batch.filter((ended) => {
      trouble.warn(
        thrown,
        `what became of job ${ended.job.id} (queue "${queue}") cannot be recorded as it is`,
      )
      const again = makeBare(ended)
      if (!again) letGo(ended.job)
      return again
    })
  }

  /** @param goSingly called when one bad letter of several is to be found */
  deadLetters(
    batch: readonly EndedJob[],
    thrown: unknown,
    failures: number,
    goSingly: (count: number) => void,
  ): readonly EndedJob[] {
    const { queue, trouble } = this.#options
    if (isRefusal(thrown)) {
      if (batch.length === 1) return this.reduce(batch, thrown)
      goSingly(batch.length)
      return batch
    }
    markUncertain(batch, thrown)
    if (failures === 1)
      trouble.warn(thrown, `dead letters of queue "${queue}" cannot be moved; they stay in hand`)
    return batch
  }
}
