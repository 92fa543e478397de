import type { ErrorSummary, LeasedMessage, MessageHeaders } from '@aimq/events'
import { messageHeader } from '@aimq/events'
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
  // The last failure was recorded and the move to the dead-letter queue was not.
  if (counts.failures >= policy.maxAttempts)
    return { kind: 'dead-letter', reason: 'out-of-attempts', headers: {} }
  return counts.crashes >= suspectAfterCrashes ? 'run-alone' : 'run'
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
      return { kind: 'complete' }
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
        delayMs: delayMs(ending.delaySeconds * 1000, 0),
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
      const error = {
        code: workerErrorCodes.retryRequested,
        message: ending.reason ?? 'the handler asked for a retry',
      }
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
  const wait = delayMs(wantedDelayMs ?? backoffMs(policy, failures, random), 1000)
  return { kind: 'retry', cause, delayMs: wait, headers, error }
}

function failureHeaders(counts: AttemptCounts, error: ErrorSummary): MessageHeaders {
  return { [messageHeader.failures]: counts.failures, [messageHeader.lastError]: error }
}

/** A user's own backoff may throw; a job is not lost over that. */
function backoffMs(policy: ResolvedPolicy, failures: number, random: () => number): number {
  try {
    return policy.backoff(failures, random)
  } catch {
    return Number.NaN
  }
}

/** A delay from outside, made usable: not a number → `fallback`, never negative, never absurd. */
function delayMs(wanted: number, fallback: number): number {
  return Number.isNaN(wanted) ? fallback : Math.min(Math.max(wanted, 0), maxDelayMs)
}
