import type { LedgerLine } from './ledger.ts'
import { type Explanation, explain, type FaultWindow } from './repeats.ts'
import { type Run, runsOf } from './runs.ts'

/** A job as it lies in the database when all is over. */
export interface StoredJob {
  readonly key: string
  readonly where: 'queue' | 'archive' | 'dead-letters'
  /** Its payload says that it is to end as a dead letter. */
  readonly toldToDie: boolean
}

export interface Evidence {
  /** Of all producers and workers. */
  readonly lines: readonly LedgerLine[]
  readonly stored: readonly StoredJob[]
  /** Those, and only those, that may cause a job to be worked again. */
  readonly faults: readonly FaultWindow[]
  /** Nothing was broken at all, and nobody told to stop before all was done. @default false */
  readonly calm?: boolean
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
  /** Which fault explains how many of them. */
  readonly explanations: readonly Explanation[]
  /** Runs that never ended: their worker died, or gave the job back. */
  readonly interrupted: number
  /** The longest that a job waited for its first run, from when it was due. */
  readonly longestWaitMs: number
}

/**
 * The one judge of every run: everything acknowledged as sent is worked, dead-lettered or still queued, and so is
 * everything that a worker has begun, whatever its sender knows of it; nothing that was not sent is there; nothing is
 * stored twice; what died was told to; no fault has more jobs worked again than were in hand at it; and without any no
 * run is interrupted.
 */
export function judge({ lines, stored, faults, calm = false }: Evidence): Verdict {
  const told = (what: LedgerLine['what']) =>
    new Set(lines.filter((line) => line.what === what).map(({ id }) => id))
  const [tried, sent, unknown, refused] = [told('tries'), told('sent'), told('unknown'), told('refused')]
  const runs = runsOf(lines)
  const begun = new Set(runs.map(({ key }) => key))
  const worked = new Set(runs.filter(({ done }) => done).map(({ key }) => key))
  const places = new Map<string, StoredJob['where'][]>()
  for (const { key, where } of stored) places.set(key, [...(places.get(key) ?? []), where])

  const { repeats, explanations, unexplained } = explain(runs, faults)
  const interrupted = runs.filter(({ to }) => to === undefined)
  const beganAt = lines[0]?.at ?? 0
  const broken = [
    ...keysOf(
      [...sent].filter((key) => !worked.has(key) && !places.has(key)),
      'was sent, and is lost',
    ),
    // What a worker has begun was there, though its sender was killed, or may not know.
    ...keysOf(
      [...begun].filter((key) => !places.has(key) && !worked.has(key) && !sent.has(key)),
      'was begun, and is lost',
    ),
    ...keysOf(
      [...worked].filter((key) => !places.has(key)),
      'was worked, and is neither archived nor dead-lettered',
    ),
    ...keysOf(
      [...begun, ...places.keys()].filter((key) => !tried.has(key)),
      'is there, and nobody sent it',
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
      stored.filter(({ key, where }) => where !== 'queue' && !worked.has(key)).map(({ key }) => key),
      'is settled, and was never worked',
    ),
    // With a budget of crashes that no run can spend, nobody else dies.
    ...keysOf(
      stored.filter(({ where, toldToDie }) => where === 'dead-letters' && !toldToDie).map(({ key }) => key),
      'is a dead letter, and was not told to die',
    ),
    ...keysOf(
      stored.filter(({ where, toldToDie }) => where === 'archive' && toldToDie).map(({ key }) => key),
      'was told to die, and is archived',
    ),
    ...keysOf(calm ? interrupted.map(({ key }) => key) : [], 'was interrupted, although nothing was broken'),
    ...unexplained.map(
      ({ before, again }) =>
        `${again.key} was worked again, and no fault explains it: ${inWords(before, beganAt)}, then ${inWords(again, beganAt)}`,
    ),
    ...explanations
      .filter(({ repeats, inHand }) => repeats > inHand)
      .map(
        ({ fault, repeats, inHand }) =>
          `${repeats} jobs were worked again after the fault «${fault.name}», with ${inHand} in hand at it`,
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
    duplicates: repeats.length,
    explanations,
    interrupted: interrupted.length,
    longestWaitMs: firstWaits.reduce((most, wait) => Math.max(most, wait), 0),
  }
}

function inWords({ pid, from, to }: Run, beganAt: number): string {
  const seconds = (at: number) => ((at - beganAt) / 1000).toFixed(2)
  return `by ${pid} from ${seconds(from)} s to ${to === undefined ? 'never' : `${seconds(to)} s`}`
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
