import { type ChildProgram, startProgram } from './child-program.ts'

export interface ProducerProcessOptions {
  readonly url: string
  readonly queues: readonly string[]
  readonly ledger: string
  /** Begins every key, so that two producers never name a job alike. */
  readonly name: string
  readonly seed: number
  /** Between two sends; with some jitter. */
  readonly everyMs: number
  readonly queryTimeoutMs?: number
}

/** Sends jobs of all kinds for as long as it lives, one batch after another, and writes down what it was told. */
export function startProducerProcess(options: ProducerProcessOptions): Promise<ChildProgram> {
  return startProgram('producer-program.ts', options)
}
