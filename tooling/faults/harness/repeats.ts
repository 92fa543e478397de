import type { Run } from './runs.ts'

/** Something that was broken, for a while, in a way that may cause jobs to be worked again. Times on the ledger's clock. */
export interface FaultWindow {
  readonly name: string
  readonly from: number
  readonly to: number
  /** The one process that it broke. Undefined: it broke what all of them stand on. */
  readonly pid?: number | undefined
}

/** A run that ended well although one before it had, too. */
export interface Repeat {
  readonly before: Run
  readonly again: Run
}

export interface Explanation {
  readonly fault: FaultWindow
  readonly repeats: number
  /** The most jobs that were in hand at one moment of the fault. */
  readonly inHand: number
}

/**
 * How long the settlement of a run may take on a busy machine where nothing is broken. A fault after that finds the run
 * settled, and explains nothing.
 */
const settlingMs = 1500

/** Holds one fault responsible for each repeat: one that struck while the run before it was in hand. */
export function explain(
  runs: readonly Run[],
  faults: readonly FaultWindow[],
): { repeats: readonly Repeat[]; explanations: readonly Explanation[]; unexplained: readonly Repeat[] } {
  const repeats = repeatsOf(runs)
  const holds = handsOf(runs, repeats)
  const accounts = faults.map((fault) => ({ fault, repeats: 0, inHand: mostInHand(holds, fault) }))
  const suspectsOf = ({ before, again }: Repeat) => {
    const settledBy = Math.min(again.from, (before.to ?? again.from) + settlingMs)
    return accounts.filter(
      ({ fault }) => concerns(fault, before.pid) && before.from <= fault.to && settledBy >= fault.from,
    )
  }
  const unexplained: Repeat[] = []
  // Those that only one fault explains come first, so that they find it free.
  const cases = repeats.map((repeat) => ({ repeat, suspects: suspectsOf(repeat) }))
  for (const { repeat, suspects } of cases.sort((a, b) => a.suspects.length - b.suspects.length)) {
    const free = (account: Explanation) => account.inHand - account.repeats
    const [likeliest] = suspects.sort((a, b) => free(b) - free(a))
    if (likeliest === undefined) unexplained.push(repeat)
    else likeliest.repeats++
  }
  return { repeats, explanations: accounts.filter((account) => account.repeats > 0), unexplained }
}

function repeatsOf(runs: readonly Run[]): Repeat[] {
  const repeats: Repeat[] = []
  const latest = new Map<string, Run>()
  for (const run of runs) {
    if (!run.done) continue
    const before = latest.get(run.key)
    if (before !== undefined) repeats.push({ before, again: run })
    latest.set(run.key, run)
  }
  return repeats
}

/** From when to when a process had a job in hand. */
interface Hold {
  readonly pid: number
  readonly from: number
  readonly to: number
}

/** A run that was repeated was in hand until then: its settlement had not been written. Of one that never ended nobody knows. */
function handsOf(runs: readonly Run[], repeats: readonly Repeat[]): Hold[] {
  const repeatedAt = new Map(repeats.map(({ before, again }) => [before, again.from]))
  return runs.map((run) => ({ pid: run.pid, from: run.from, to: repeatedAt.get(run) ?? run.to ?? run.from }))
}

function mostInHand(holds: readonly Hold[], fault: FaultWindow): number {
  const concerned = holds.filter(
    ({ pid, from, to }) => concerns(fault, pid) && from <= fault.to && to >= fault.from,
  )
  // What is taken up again at this moment is one job, not two.
  const has = ({ from, to }: Hold, moment: number) => moment === from || (from < moment && moment < to)
  const at = (moment: number) => concerned.filter((hold) => has(hold, moment)).length
  // The number grows only where a run begins.
  const moments = [fault.from, ...concerned.map(({ from }) => from).filter((from) => from > fault.from)]
  return Math.max(...moments.map(at))
}

const concerns = (fault: FaultWindow, pid: number) => fault.pid === undefined || fault.pid === pid
