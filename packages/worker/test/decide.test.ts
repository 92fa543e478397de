import { messageHeader } from '@aimq/events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countAttempts } from '../src/attempts.ts'
import { exponentialBackoff } from '../src/backoff.ts'
import { decideEnding, decideStart } from '../src/decide.ts'
import { resolveOptions } from '../src/options.ts'
import { prefetchTarget } from '../src/prefetch.ts'

const policyOf = (defaults = {}) => {
  const [queue] = resolveOptions({ handlers: { emails: () => {} }, defaults }).queues
  if (queue === undefined) throw new Error('expected a queue')
  return queue.policy
}
const message = (readCount: number, headers: Record<string, unknown> | null = null) => ({
  id: '1',
  readCount,
  enqueuedAt: 0,
  dueAt: 0,
  payload: {},
  headers,
})
const none = { failures: 0, releases: 0, snoozes: 0, crashes: 0 }

describe('attempts', () => {
  it.each([
    ['a first delivery', message(1), none],
    ['a worker that died', message(2), { ...none, crashes: 1 }],
    [
      'two failures and a deploy',
      message(4, { [messageHeader.failures]: 2, [messageHeader.releases]: 1 }),
      { ...none, failures: 2, releases: 1 },
    ],
    ['a snooze and a crash', message(3, { [messageHeader.snoozes]: 1 }), { ...none, snoozes: 1, crashes: 1 }],
    [
      'headers written by somebody else',
      message(2, { [messageHeader.failures]: 'many' }),
      { ...none, crashes: 1 },
    ],
    [
      'more failures than reads, after a redrive by hand',
      message(1, { [messageHeader.failures]: 5 }),
      { ...none, failures: 5 },
    ],
  ])('of %s are counted apart', (_what, given, counts) => {
    expect(countAttempts(given)).toEqual(counts)
  })
})

describe('decideStart', () => {
  const policy = policyOf({ maxAttempts: 3, maxCrashes: 4 })

  it.each([
    [1, null, 'run'],
    [2, null, 'run'],
    [3, null, 'run-alone'],
    [4, null, 'run-alone'],
    [3, { [messageHeader.failures]: 2 }, 'run'],
  ])('of read %i with headers %j says %s', (readCount, headers, decision) => {
    expect(decideStart(message(readCount, headers), policy)).toBe(decision)
  })

  it('gives up a job that crashed its workers too often, or whose last failure was recorded', () => {
    expect(decideStart(message(5), policy)).toMatchObject({ kind: 'dead-letter', reason: 'out-of-crashes' })
    expect(decideStart(message(4, { [messageHeader.failures]: 3 }), policy)).toMatchObject({
      kind: 'dead-letter',
      reason: 'out-of-attempts',
    })
  })
})

describe('decideEnding', () => {
  const error = { code: 'Error', message: 'no' }

  it.each([
    ['throws', () => Number.NaN],
    ['throws', () => -5],
    ['throws', () => Number.POSITIVE_INFINITY],
    [
      'throws',
      () => {
        throw new Error('broken backoff')
      },
    ],
  ])('survives a backoff that is of no use', (_what, backoff) => {
    const verdict = decideEnding({ kind: 'failed', error }, none, policyOf({ backoff }))
    if (verdict.kind !== 'retry') throw new Error('expected a retry')
    expect(verdict.delayMs).toBeGreaterThanOrEqual(0)
    expect(verdict.delayMs).toBeLessThanOrEqual(365 * 86_400_000)
  })

  it('never spends an attempt on a release or a snooze', () => {
    const almostOut = { ...none, failures: 9 }
    expect(decideEnding({ kind: 'released', reason: 'shutdown' }, almostOut, policyOf()).kind).toBe('release')
    expect(decideEnding({ kind: 'snooze', delaySeconds: 5 }, almostOut, policyOf())).toMatchObject({
      kind: 'retry',
      delayMs: 5000,
    })
    expect(decideEnding({ kind: 'failed', error }, almostOut, policyOf()).kind).toBe('dead-letter')
  })
})

describe('exponentialBackoff', () => {
  it('is min(1 h, 2ⁿ s) · (0.5 … 1)', () => {
    const backoff = exponentialBackoff()
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, random) => {
          const ceiling = Math.min(3_600_000, 1000 * 2 ** failures)
          const delay = backoff(failures, () => random)
          return delay >= ceiling / 2 && delay <= ceiling
        },
      ),
    )
    expect(backoff(1, () => 1)).toBe(2000)
    expect(backoff(12, () => 1)).toBe(3_600_000)
  })
})

describe('prefetchTarget', () => {
  it.each([
    ['nothing was finished', 0, 1000, 0],
    ['nothing was finished in no time', 0, 0, 0],
    ['jobs take seconds', 10, 5000, 0],
    ['jobs take 20 ms, ten at once', 500, 1000, 50],
    ['jobs take no time', 400, 1, 500],
    ['a few quick jobs may stand before slow ones', 10, 1, 40],
    ['they took less than the clock tells', 10, 0, 40],
  ])('when %s', (_what, finished, elapsedMs, target) => {
    expect(prefetchTarget(finished, elapsedMs, 500)).toBe(target)
  })
})
