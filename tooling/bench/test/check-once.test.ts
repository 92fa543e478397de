import { expect, it } from 'vitest'
import type { WorkTally } from '../process/tasks.ts'
import { checkOnce } from '../workloads/run-drain.ts'

const tally = (...seen: number[]): WorkTally => ({
  seen: Uint8Array.from(seen),
  count: 0,
  firstAt: 0,
  cpuSinceFirstUs: 0,
  cpuUs: 0,
  rssMb: 0,
  heldMs: 0,
  latenciesMs: new Float64Array(),
})

it('accepts every job once, whichever worker ran it', () => {
  expect(() => checkOnce([tally(1, 0, 1), tally(0, 1, 0)], 3)).not.toThrow()
})

it('refuses a run that lost a job, however fast it was', () => {
  expect(() => checkOnce([tally(1, 0, 1)], 3)).toThrow('1 never ran, 0 ran more than once')
})

it('refuses a run in which two workers ran the same job', () => {
  expect(() => checkOnce([tally(1, 1), tally(0, 1)], 2)).toThrow('0 never ran, 1 ran more than once')
})
