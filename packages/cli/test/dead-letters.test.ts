import { messageHeader, type PeekedMessage } from '@aimq/events'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readDeadLetter } from '../src/dead-letters.ts'
import { localTime } from '../src/show.ts'

const letterWith = (headers: PeekedMessage['headers']): PeekedMessage => ({
  id: '7',
  payload: null,
  headers,
  readCount: 1,
  enqueuedAt: 1_700_000_000_000,
  visibleAt: 1_700_000_000_000,
  archivedAt: null,
})

/** What has no text and no number of its own. */
const unspeakable: readonly unknown[] = [
  { toString: 1 },
  { valueOf: 1, toString: null },
  [{ toString: 1 }],
  [],
]

test.each(unspeakable.map((value) => [value]))(
  '%j as the code of an error or as a count is not taken for one',
  (value) => {
    const letter = readDeadLetter(
      letterWith({
        [messageHeader.failures]: value,
        [messageHeader.deadLetter]: {
          queue: 'emails',
          id: '3',
          readCount: value,
          deadLetteredAt: value,
          reason: 'given-up',
          error: { code: value, message: 'no such mailbox' },
        },
      }),
    )
    expect(letter).toMatchObject({
      from: 'emails',
      error: { code: 'Error', message: 'no such mailbox' },
      readCount: 0,
      failures: 0,
      deadLetteredAt: 1_700_000_000_000,
    })
  },
)

test.each([-1, 0.5, '3', true, 1e300, JSON.parse('1e999')])('%j is no number of failures', (failures) => {
  expect(readDeadLetter(letterWith({ [messageHeader.failures]: failures })).failures).toBe(0)
})

test('a time that no calendar has is not shown', () => {
  const { deadLetteredAt } = readDeadLetter(
    letterWith({ [messageHeader.deadLetter]: { deadLetteredAt: 1e300 } }),
  )
  expect(localTime(deadLetteredAt)).not.toContain('NaN')
})

test('whatever anybody wrote into the headers, a letter can be shown and printed as JSON', () => {
  const json = fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom<unknown>(...unspeakable, JSON.parse('1e999'), '', 0, null) },
    fc.jsonValue(),
  )
  const error = fc.oneof(json, fc.record({ code: json, message: fc.oneof(fc.string(), json) }))
  const header = fc.record(
    {
      queue: json,
      id: json,
      readCount: json,
      enqueuedAt: json,
      deadLetteredAt: fc.oneof(fc.double(), json),
      reason: json,
      error,
    },
    { requiredKeys: [] },
  )
  const headers = fc.record(
    {
      [messageHeader.deadLetter]: fc.oneof(header, json),
      [messageHeader.lastError]: error,
      [messageHeader.failures]: fc.oneof(fc.double(), json),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.option(headers), (given) => {
      const letter = readDeadLetter(letterWith(given))
      for (const text of [letter.reason, letter.error?.code ?? '', letter.error?.message ?? ''])
        expect(typeof text).toBe('string')
      for (const count of [letter.failures, letter.readCount])
        expect(Number.isSafeInteger(count) && count >= 0).toBe(true)
      expect(localTime(letter.deadLetteredAt)).not.toContain('NaN')
      expect(() => JSON.stringify(letter)).not.toThrow()
    }),
    { numRuns: 500 },
  )
})
