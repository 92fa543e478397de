import type { LedgerLine } from './ledger.ts'

/** One time that a handler had a job. Times on the ledger's clock. */
export interface Run {
  readonly key: string
  readonly pid: number
  readonly from: number
  /** Undefined: it never ended; its worker died, or gave the job back. */
  to: number | undefined
  /** It ended well. */
  done: boolean
}

/** Each `start` with the line that ended it, if any did, in the order of the starts. */
export function runsOf(lines: readonly LedgerLine[]): Run[] {
  const runs: Run[] = []
  const open = new Map<string, Run>()
  for (const { what, id, pid, at } of lines) {
    const name = `${pid} ${id}`
    if (what === 'start') {
      const run: Run = { key: id, pid, from: at, to: undefined, done: false }
      runs.push(run)
      open.set(name, run)
    }
    const run = open.get(name)
    if (run === undefined || (what !== 'done' && what !== 'fails')) continue
    run.to = at
    run.done = what === 'done'
    open.delete(name)
  }
  return runs
}
