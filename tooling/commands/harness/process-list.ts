import { readdirSync, readFileSync } from 'node:fs'

/** What `ps` shows of a process and of all that it starts, for as long as it runs. */
export interface ProcessList {
  /** Every command line that was ever seen, its words separated by blanks. */
  seen(): readonly string[]
  stop(): void
}

/** A program that runs for a shorter time may be missed; no Node and no PostgreSQL starts and ends this fast. */
const lookEveryMs = 10

/** Looks again and again: what a process starts is not there yet when it is started itself. Empty where there is no /proc. */
export function watchProcessList(root: number): ProcessList {
  const lines = new Set<string>()
  // Whose parent has ended belongs to somebody else then, and is ours still.
  let known = [root]
  const look = () => {
    const alive = new Set<number>()
    const visit = (pid: number) => {
      if (alive.has(pid)) return
      const line = read(`/proc/${pid}/cmdline`)
      if (line === undefined) return
      alive.add(pid)
      if (line !== '') lines.add(line.replaceAll('\0', ' ').trimEnd())
      for (const child of childrenOf(pid)) visit(child)
    }
    for (const pid of known) visit(pid)
    known = [...alive]
  }
  const timer = setInterval(look, lookEveryMs)
  look()
  return {
    seen: () => [...lines],
    stop: () => clearInterval(timer),
  }
}

/** Of every thread, because each has those that it started. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      (read(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
