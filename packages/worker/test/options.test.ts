import { describe, expect, it } from 'vitest'
import { defineHandler, worker } from '../src/index.ts'

const handlers = { emails: () => {} }

describe('worker options', () => {
  it('are refused all together, with the near spelling of unknown keys', () => {
    const options = {
      handlers,
      pollIntervalMS: 5,
      totalConcurrency: 0,
      defaults: { leaseMs: 10, maxAttempt: 3 },
    }
    expect(() => worker(options as never)).toThrow(
      expect.objectContaining({
        code: 'worker/invalid-options',
        message: [
          'worker(): 4 options are not usable',
          '  - defaults.leaseMs: expected whole milliseconds from 1000 to 43200000, got 10',
          '  - defaults.maxAttempt: unknown option; did you mean "maxAttempts"?',
          '  - totalConcurrency: expected a whole number from 1 to 100000, got 0',
          '  - pollIntervalMS: unknown option; did you mean "pollIntervalMs"?',
        ].join('\n'),
      }),
    )
  })

  it.each([
    ['no handlers', {}, /handlers: /],
    ['empty handlers', { handlers: {} }, /expected a handler for at least one queue/],
    ['a bad queue name', { handlers: { 'a;b': () => {} } }, /expected a queue name/],
    [
      'a handler that is no function',
      { handlers: { emails: 7 } },
      /expected a function, or what defineHandler/,
    ],
    [
      'a handler under another name',
      { handlers: { mails: defineHandler('emails', () => {}) } },
      /under the name of the queue/,
    ],
    ['a fraction', { handlers, gracePeriodMs: 1.5 }, /gracePeriodMs: expected whole milliseconds/],
    ['not a number', { handlers, pollIntervalMs: Number.NaN }, /pollIntervalMs/],
    ['infinity', { handlers, pollIntervalMs: Number.POSITIVE_INFINITY }, /pollIntervalMs/],
    ['nothing at all', undefined, /options: expected Object/],
  ])('refuse %s', (_what, options, message) => {
    expect(() => worker(options as never)).toThrow(message)
  })
})
