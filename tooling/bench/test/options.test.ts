import { expect, it } from 'vitest'
import { parseOptions } from '../options.ts'

it('measures everything three times and writes the documents, unless told otherwise', () => {
  expect(parseOptions([])).toMatchObject({ only: [], runs: 3, quick: false, json: false, write: true })
})

it('leaves the documents alone when only a part is measured', () => {
  expect(parseOptions(['--only', 'drain', '--runs', '5'])).toMatchObject({
    only: ['drain'],
    runs: 5,
    write: false,
  })
  expect(parseOptions(['--quick'])).toMatchObject({ runs: 1, write: false })
})

it('names the workloads there are when it does not know one', () => {
  expect(() => parseOptions(['--only', 'drains'])).toThrow(/expected workloads out of drain, .*got drains/)
})
