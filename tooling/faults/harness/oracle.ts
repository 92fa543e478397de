import type { LedgerLine } from './ledger.ts'

/** Something that was broken, for a while. Times on the ledger's clock. */
export interface FaultWindow {
  readonly name: string
  readonly from: number
  readonly to: number
}

/** A job as it lies in the database when all is over. */
export interface StoredJob {
  readonly key: string
  readonly where: 'queue' | 'archive' | 'dead-letters'
}

export interface Evidence {
  /** Of all producers and workers. */
  readonly lines: readonly LedgerLine[]
  readonly stored: readonly StoredJob[]
  readonly faults: readonly FaultWindow[]
  readonly leaseMs: number
}

export interface Verdict {
  /** Every promise that was broken, in words. Empty: none was. */
  readonly broken: readonly string[]
  readonly sent: number
  /** Sends whose answer never came, and of those: how many had happened. */
  readonly unknown: number
  readonly unknownButThere: number
  readonly refused: number
  readonly worked: number
  readonly deadLettered: number
  readonly stillQueued: number
  /** Runs that a handler finished although an earlier one had finished, too. */
  readonly duplicates: number
  /** Runs that were in hand, or not settled yet, while something was broken. */
  readonly inHandAtFaults: number
  /** Runs that never ended: their worker died, or gave the job back. */
  readonly interrupted: number
  /** The longest that a job waited for its first run, from when it was due. */
  readonly longestWaitMs: number
}

interface Run {
  readonly key: string
  readonly from: number
  to: number | undefined
  done: boolean
}

/** How long what a handler ended may take to be settled, on a busy machine where nothing is broken. */
const settlingMs = 1500

/**
 * The one judge of every run: everything acknowledged as sent is worked, dead-lettered or still queued; nothing that was
 * not sent is worked; nothing is stored twice; and a job is worked again only where a fault explains it.
 */
export function judge({ lines, stored, faults, leaseMs }: Evidence): Verdict {
  const told = (what: LedgerLine['what']) =>
    new Set(lines.filter((line) => line.what === what).map(({ id }) => id))
  const [tried, sent, unknown, refused] = [told('tries'), told('sent'), told('unknown'), told('refused')]
  const runs = runsOf(lines)
  const worked = new Set(runs.filter(({ done }) => done).map(({ key }) => key))
  const places = new Map<string, StoredJob['where'][]>()
  for (const { key, where } of stored) places.set(key, [...(places.get(key) ?? []), where])

  const overlaps = ({ from, to }: Run, fault: FaultWindow, afterMs: number) =>
    from <= fault.to + afterMs && (to === undefined ? from + leaseMs : to + settlingMs) >= fault.from
  const repeated = runs.filter(
    (run, n) => run.done && runs.findIndex((other) => other.key === run.key && other.done) < n,
  )
  const broken = [
    ...keysOf(
      [...sent].filter((key) => !worked.has(key) && !places.has(key)),
      'was sent, and is lost',
    ),
    ...keysOf(
      [...sent].filter((key) => !places.has(key) && worked.has(key)),
      'was worked, and is neither archived nor dead-lettered',
    ),
    ...keysOf(
      runs.map(({ key }) => key).filter((key) => !tried.has(key)),
      'was worked, and nobody sent it',
    ),
    ...keysOf(
      [...refused].filter((key) => places.has(key)),
      'is there, although its sender was told that it was not sent',
    ),
    ...keysOf(
      [...places].filter(([, where]) => where.length > 1).map(([key]) => key),
      'is stored more than once',
    ),
    ...keysOf(
      [...places].filter(([key, [where]]) => where === 'archive' && !worked.has(key)).map(([key]) => key),
      'is archived, and was never worked',
    ),
    ...keysOf(
      repeated
        .filter((run) => {
          const first = runs.find((other) => other.key === run.key && other.done)
          return !faults.some((fault) => first !== undefined && overlaps(first, fault, leaseMs + settlingMs))
        })
        .map(({ key }) => key),
      'was worked again, and no fault explains it',
    ),
  ]
  const count = (where: StoredJob['where']) => stored.filter((job) => job.where === where).length
  const firstWaits = firstRuns(lines).map(({ waitedMs }) => waitedMs ?? 0)
  return {
    broken,
    sent: sent.size,
    unknown: unknown.size,
    unknownButThere: [...unknown].filter((key) => places.has(key)).length,
    refused: refused.size,
    worked: worked.size,
    deadLettered: count('dead-letters'),
    stillQueued: count('queue'),
    duplicates: repeated.length,
    inHandAtFaults: runs.filter((run) => faults.some((fault) => overlaps(run, fault, 0))).length,
    interrupted: runs.filter(({ to }) => to === undefined).length,
    longestWaitMs: firstWaits.reduce((most, wait) => Math.max(most, wait), 0),
  }
}

/** Each `start` with the line that ended it, if any did, in the order of the starts. */
function runsOf(lines: readonly LedgerLine[]): Run[] {
  const runs: Run[] = []
  const open = new Map<string, Run>()
  for (const { what, id, pid, at } of lines) {
    const name = `${pid} ${id}`
    if (what === 'start') {
      const run: Run = { key: id, from: at, to: undefined, done: false }
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

function firstRuns(lines: readonly LedgerLine[]): LedgerLine[] {
  const first = new Map<string, LedgerLine>()
  for (const line of lines) if (line.what === 'start' && !first.has(line.id)) first.set(line.id, line)
  return [...first.values()]
}

function keysOf(keys: readonly string[], what: string): string[] {
  const unique = [...new Set(keys)]
  const shown = unique.slice(0, 5).map((key) => `${key} ${what}`)
  return unique.length > 5 ? [...shown, `… and ${unique.length - 5} more ${what}`] : shown
}
