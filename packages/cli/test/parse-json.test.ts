import { expect, test } from 'vitest'
import { parseJson } from '../src/parse-json.ts'

test.each([
  ['', 'expected JSON, got nothing'],
  ['{"a":', 'expected JSON, but it ends too early, at column 6'],
  ['{"a": 1,\n "b": }', 'expected JSON, got a stray "}" at line 2, column 7'],
  ['{a:1}', `expected JSON, got expected property name or '}' at column 2`],
  ['"abc', 'expected JSON, but it ends too early, at column 5'],
  ['nonsense', 'expected JSON, got a stray "o" at column 2'],
  ['[1] 2', 'expected JSON, got unexpected non-whitespace character after JSON at column 5'],
  ['{"id": 12345678901234567890}', 'the number 12345678901234567890 would lose digits; write it as a string'],
])('%j: says where, and repeats none of it', (text, fault) => {
  expect(parseJson(text)).toEqual({ fault })
})

test.each([
  'null',
  '1',
  '"x"',
  '{"a":[1.5,-2e10]}',
  '"12345678901234567890"',
  '{"__proto__":{"a":1}}',
  '1e400',
])('%s is taken as it is', (text) => {
  expect(parseJson(text)).toEqual({ value: JSON.parse(text) })
})
