import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { didYouMean, parseOptions } from '../src/index.ts'

const schema = v.strictObject({
  connectionString: v.string(),
  maxConnections: v.optional(v.number(), 4),
  retry: v.optional(v.strictObject({ attempts: v.optional(v.number()) })),
})
const parse = (input: unknown) => parseOptions('queue()', schema, input, (message) => new Error(message))

describe('parseOptions', () => {
  it('fills in defaults', () => {
    expect(parse({ connectionString: 'x' })).toEqual({ connectionString: 'x', maxConnections: 4 })
  })

  it('reports all faults together, with the near spelling of unknown keys', () => {
    expect(() => parse({ conectionString: 'x', maxConnections: 'many', retry: { atempts: 1 } })).toThrow(
      [
        'queue(): 4 options are not usable',
        '  - connectionString: expected "connectionString", got undefined',
        '  - maxConnections: expected number, got "many"',
        '  - retry.atempts: unknown option; did you mean "attempts"?',
        '  - conectionString: unknown option; did you mean "connectionString"?',
      ].join('\n'),
    )
  })

  it('says what it expected of something that is no object at all', () => {
    expect(() => parse('x')).toThrow(/options: expected Object, got "x"/)
  })

  it('never repeats a secret', () => {
    expect(() => parse({ connectionString: 'x', maxConnections: 'postgres://me:hunter2@db/x' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    )
  })
})

describe('didYouMean', () => {
  it('lists what there is when nothing is near', () => {
    expect(didYouMean('zzzzzz', ['emails', 'digests'])).toBe('; known: emails, digests')
    expect(didYouMean('emials', ['emails', 'digests'])).toBe('; did you mean "emails"?')
    expect(didYouMean('foo', ['pool'])).toBe('; known: pool')
    expect(didYouMean('x', [])).toBe('')
  })
})
