import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'

/**
 * What a process says it did, in its own words:
 *
 * - a producer `tries` to send a job, and is told that it is `sent`, that this is `unknown`, or that it was `refused`;
 * - a worker's handler `start`s a job and is `done` with it, or has it `fail` on purpose; then the database knows.
 */
export type LedgerWord = 'tries' | 'sent' | 'unknown' | 'refused' | 'start' | 'done' | 'fails'

export interface LedgerLine {
  readonly what: LedgerWord
  /** What names the job: its message id, or the key in its payload. */
  readonly id: string
  readonly pid: number
  /** Milliseconds on a clock that all processes of this machine share and none of them can set. */
  readonly at: number
  /** On a `start`: how long the job had been due, by the database's clock. */
  readonly waitedMs?: number
}

/** The clock of the ledger: a process that lies about the time of day still tells the truth here. */
export function ledgerNow(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

/** Writes a line that survives whatever happens to this process next. */
export function record(path: string, what: LedgerWord, id: string, waitedMs?: number): void {
  const file = openSync(path, 'a')
  const more = waitedMs === undefined ? '' : ` ${Math.round(waitedMs)}`
  writeSync(file, `${what} ${id} ${process.pid} ${ledgerNow()}${more}\n`)
  fsyncSync(file)
  closeSync(file)
}

export function readLedger(path: string): LedgerLine[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => {
    const [what, id, pid, at, waitedMs] = line.split(' ')
    return {
      what: what as LedgerWord,
      id: String(id),
      pid: Number(pid),
      at: Number(at),
      ...(waitedMs === undefined ? {} : { waitedMs: Number(waitedMs) }),
    }
  })
}
