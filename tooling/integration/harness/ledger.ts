import { appendFileSync, closeSync, fsyncSync, openSync, readFileSync } from 'node:fs'

export interface LedgerLine {
  readonly what: 'start' | 'done'
  readonly id: string
  readonly pid: number
  /** Epoch milliseconds. */
  readonly at: number
}

/** Writes a line that survives whatever happens to this process next. */
export function record(path: string, what: LedgerLine['what'], id: string): void {
  const file = openSync(path, 'a')
  appendFileSync(file, `${what} ${id} ${process.pid} ${Date.now()}\n`)
  fsyncSync(file)
  closeSync(file)
}

export function readLedger(path: string): LedgerLine[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => {
    const [what, id, pid, at] = line.split(' ')
    return { what: what as LedgerLine['what'], id: String(id), pid: Number(pid), at: Number(at) }
  })
}
