import type { ErrorSummary, LeasedMessage, MessageHeaders } from '@aimq/events'
import { messageHeader, summarizeError } from '@aimq/events'
import { type AttemptCounts, countAttempts } from './attempts.ts'
import { workerErrorCodes } from './errors.ts'
import type { ResolvedPolicy } from './policy.ts'

/** How a run ended. */
export type Ending =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed' | 'timed-out'; readonly error: ErrorSummary }
  | { readonly kind: 'retry'; readonly delaySeconds: number | undefined; readonly reason: string | undefined }
  | { readonly kind: 'dead-letter'; readonly reason: string; readonly error?: ErrorSummary }
  | { readonly kind: 'snooze'; readonly delaySeconds: number }
  | { readonly kind: 'released'; readonly reason: string }

/** What becomes of the message. */
export type Verdict =
  | { readonly kind: 'complete' }
  | {
      readonly kind: 'retry'
      readonly cause: 'failed' | 'timed-out' | 'requested' | 'snoozed'
      readonly delayMs: number
      readonly headers: MessageHeaders
      readonly error?: ErrorSummary
    }
  | {
      readonly kind: 'dead-letter'
      readonly reason: string
      readonly headers: MessageHeaders
      readonly error?: ErrorSummary
    }
  | { readonly kind: 'release'; readonly reason: string; readonly headers: MessageHeaders }

const complete: Verdict = { kind: 'complete' }

/** A job that took down its worker this often runs alone, so that it cannot spend the budget of its neighbours. */
const suspectAfterCrashes = 2
/** The farthest a job can be put off: pgmq keeps timestamps, and a year is a bug more often than a wish. */
const maxDelayMs = 365 * 86_400_000

/** What to do with a message just read: run it, run it alone, or give it up without running it. */
export function decideStart(message: LeasedMessage, policy: ResolvedPolicy): 'run' | 'run-alone' | Verdict {
  const counts = countAttempts(message)
  if (counts.crashes >= policy.maxCrashes) {
    const error = {
      code: workerErrorCodes.crashedTooOften,
      message: `${counts.crashes} deliveries ended without a word: the worker died or the lease ran out (maxCrashes ${policy.maxCrashes})`,
    }
    return { kind: 'dead-letter', reason: 'out-of-crashes', error, headers: failureHeaders(counts, error) }
  }
  // It was given up before, and the move to the dead-letter queue did not come about.
  const givenUp = message.headers?.[messageHeader.givenUp]
  if (typeof givenUp === 'string') return { kind: 'dead-letter', reason: givenUp, headers: {} }
  if (counts.failures >= policy.maxAttempts)
    return { kind: 'dead-letter', reason: 'out-of-attempts', headers: {} }
  return counts.crashes >= suspectAfterCrashes ? 'run-alone' : 'run'
}

/**
 * The least that can be said of a verdict: for one whose settlement the queue refused, because of what stands in it.
 */
export function bareVerdict(verdict: Verdict): Verdict {
  switch (verdict.kind) {
    case 'complete':
      return verdict
    case 'retry': {
      const { error: _, ...rest } = verdict
      return { ...rest, delayMs: delayMs(verdict.delayMs), headers: countsOnly(verdict.headers) }
    }
    case 'release':
      return { ...verdict, headers: countsOnly(verdict.headers) }
    case 'dead-letter':
      return { kind: 'dead-letter', reason: 'given-up', headers: countsOnly(verdict.headers) }
  }
}

function countsOnly(headers: MessageHeaders): MessageHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => typeof value === 'number'))
}

/** For a dead letter that could not be moved when the worker stopped: back into the queue, never to be run again. */
export function giveUpLater(verdict: Verdict): Verdict {
  const { headers = {}, reason = 'given-up' } = verdict as { headers?: MessageHeaders; reason?: string }
  return { kind: 'release', reason: 'shutdown', headers: { ...headers, [messageHeader.givenUp]: reason } }
}

/** Ending, history and policy → verdict. */
export function decideEnding(
  ending: Ending,
  counts: AttemptCounts,
  policy: ResolvedPolicy,
  random: () => number = Math.random,
): Verdict {
  switch (ending.kind) {
    case 'done':
      return complete
    case 'released':
      return {
        kind: 'release',
        reason: ending.reason,
        headers: { [messageHeader.releases]: counts.releases + 1 },
      }
    case 'snooze':
      return {
        kind: 'retry',
        cause: 'snoozed',
        delayMs: delayMs(ending.delaySeconds * 1000),
        headers: { [messageHeader.snoozes]: counts.snoozes + 1 },
      }
    case 'dead-letter':
      return {
        kind: 'dead-letter',
        reason: ending.reason,
        headers: ending.error === undefined ? {} : { [messageHeader.lastError]: ending.error },
        ...(ending.error === undefined ? {} : { error: ending.error }),
      }
    case 'retry': {
      const { message } = summarizeError(ending.reason ?? 'the handler asked for a retry')
      const error = { code: workerErrorCodes.retryRequested, message }
      const wanted = ending.delaySeconds === undefined ? undefined : ending.delaySeconds * 1000
      return decideFailure('requested', error, wanted, counts, policy, random)
    }
    case 'failed':
    case 'timed-out':
      return decideFailure(ending.kind, ending.error, undefined, counts, policy, random)
  }
}

function decideFailure(
  cause: 'failed' | 'timed-out' | 'requested',
  error: ErrorSummary,
  wantedDelayMs: number | undefined,
  counts: AttemptCounts,
  policy: ResolvedPolicy,
  random: () => number,
): Verdict {
  const failures = counts.failures + 1
  const headers = failureHeaders({ ...counts, failures }, error)
  if (failures >= policy.maxAttempts)
    return { kind: 'dead-letter', reason: 'out-of-attempts', error, headers }
  const wait = delayMs(wantedDelayMs ?? backoffMs(policy, failures, random))
  return { kind: 'retry', cause, delayMs: wait, headers, error }
}

function failureHeaders(counts: AttemptCounts, error: ErrorSummary): MessageHeaders {
  return { [messageHeader.failures]: counts.failures, [messageHeader.lastError]: error }
}

/** A user's own backoff may throw, or answer with anything; a job is not lost over that. */
function backoffMs(policy: ResolvedPolicy, failures: number, random: () => number): number {
  try {
    const wanted: unknown = policy.backoff(failures, random)
    return typeof wanted === 'number' ? wanted : Number.NaN
  } catch {
    return Number.NaN
  }
}

/** A delay from outside, made usable: not a number → a second, never negative, never absurd. */
function delayMs(wanted: number): number {
  return Number.isNaN(wanted) ? 1000 : Math.min(Math.max(wanted, 0), maxDelayMs)
}
