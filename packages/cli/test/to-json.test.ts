import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toJson } from '../src/to-json.ts'

/** Deeper than `JSON.stringify` gets, in arrays and objects by turns. */
const deep = (inner: string, depth = 6000): string => `${'[{"a":'.repeat(depth)}${inner}${'}]'.repeat(depth)}`

test('JSON that is nested too deeply for JSON.stringify comes back as it was', () => {
  expect(() => JSON.stringify(JSON.parse(deep('1')))).toThrow(RangeError)
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = deep(JSON.stringify(value))
      expect(toJson(JSON.parse(text)) === text).toBe(true)
    }),
    { numRuns: 30 },
  )
})

test('everything else is as JSON.stringify writes it, and what is undefined is left out', () => {
  expect(toJson({ a: [1, 'ö', null], b: undefined }, 2)).toBe(JSON.stringify({ a: [1, 'ö', null] }, null, 2))
  expect(toJson({ deep: JSON.parse(deep('{}')), b: undefined, c: 1 })).toBe(`{"deep":${deep('{}')},"c":1}`)
})
