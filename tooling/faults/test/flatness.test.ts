import { expect, it } from 'vitest'
import { compareThirds, type Sample } from '../campaign/flatness.ts'

const sample = (more: Partial<Sample['workers'][number]> = {}, statementsPerJob = 1.5): Sample => ({
  workers: [{ heapBytes: 17e6, rssBytes: 90e6, handles: 12, ...more }],
  statementsPerJob,
})
/** Nine of them: three as they should be, three that nobody looks at, and the last three. */
const ending = (...last: Sample[]) => [...Array.from({ length: 6 }, () => sample()), ...last]

it('a soak that stays as it was is flat, and says how it was', () => {
  expect(compareThirds(ending(sample(), sample(), sample()))).toEqual({
    said: [
      'worker 1, heap: 17 MB, in the end 17 MB',
      'worker 1, resident: 90 MB, in the end 90 MB',
      'worker 1, handles: 12, in the end 12',
      'statements a job: 1.50, in the end 1.50',
    ],
    broken: [],
  })
})

it('one sample in a burst does not make it any less flat', () => {
  expect(
    compareThirds(ending(sample(), sample({ heapBytes: 40e6, handles: 90 }, 5), sample())).broken,
  ).toEqual([])
})

it.each([
  ['heap', sample({ heapBytes: 26e6 })],
  ['resident', sample({ rssBytes: 130e6 })],
  ['handles', sample({ handles: 40 })],
  ['statements a job', sample({}, 2)],
])('more in the end is not flat: %s', (what, last) => {
  expect(compareThirds(ending(last, last, last)).broken).toEqual([expect.stringContaining(what)])
})

it('two samples say nothing', () => {
  expect(compareThirds([sample(), sample()]).broken).toEqual(['there are too few samples'])
})
