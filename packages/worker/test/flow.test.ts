import { expect, it } from 'vitest'
import { Flow } from '../src/flow.ts'

/** Handlers that take no time. */
const quick = (finished: number) => ({ finished, workedMs: 0 })

const limits = { concurrency: 10, maxPrefetch: 2000, maxReadCount: 1000 }

it('asks for more from read to read while jobs end quickly, and for what slots are free when they no longer do', () => {
  const flow = new Flow(limits)
  const asked: number[] = []
  let finished = 0
  let now = 0
  for (let read = 0; read < 6; read++) {
    const ahead = flow.measure(quick(finished), now)
    flow.begins(quick(finished), now)
    asked.push(flow.share(10 + ahead))
    now += 3
    finished += asked.at(-1) ?? 0
  }
  // In a fast flow half, since two statements ask.
  expect(asked).toEqual([10, 50, 105, 215, 435, 875])
  flow.begins(quick(finished), now)
  expect(flow.measure(quick(finished + 10), now + 10_000)).toBe(0)
})

it('goes on to grow while the read it measures by is held up, and shrinks only with the next', () => {
  const flow = new Flow(limits)
  flow.begins(quick(0), 0)
  flow.measure(quick(50), 3)
  flow.begins(quick(50), 3)
  expect(flow.ahead).toBe(200)
  flow.raise(quick(51), 4)
  expect(flow.ahead).toBe(200)
  // What the second statement brought has ended, too.
  flow.raise(quick(155), 8)
  expect(flow.ahead).toBe(420)
  flow.raise(quick(155), 9000)
  expect(flow.ahead).toBe(420)
  flow.measure(quick(155), 9000)
  expect(flow.ahead).toBe(1)
})

it('finds a second statement worth while when that is as large as one may be, however far ahead it reads', () => {
  const flow = new Flow({ ...limits, maxPrefetch: 5000 })
  flow.begins(quick(0), 0)
  expect(flow.measure(quick(5000), 10)).toBe(5000)
  expect(flow.share(5000)).toBe(1000)
  expect(flow.worthwhile).toBe(1000)
})

it('does not hold against the handlers what they waited for messages', () => {
  const flow = new Flow(limits)
  flow.begins(quick(0), 0)
  // Idle since before the read was sent, and its answer took a second.
  flow.starved(-5, 1000)
  expect(flow.measure(quick(400), 1010)).toBe(1600)
  flow.begins(quick(400), 1010)
  // What was still in hand ended at 1012; then two statements answered, each after a wait.
  flow.starved(1012, 1500)
  flow.starved(1504, 2000)
  expect(flow.measure(quick(800), 2004)).toBe(1600)
})

it('takes out waiting only, since the read began, and once', () => {
  const flow = new Flow(limits)
  flow.begins(quick(0), 0)
  flow.starved(-50, 100)
  expect(flow.measure(quick(10), 200)).toBe(10)
  flow.begins(quick(0), 0)
  flow.starved(40, 100)
  expect(flow.measure(quick(10), 160)).toBe(10)
  flow.begins(quick(0), 0)
  flow.starved(-5, 100)
  // Nothing of what came could be started.
  flow.starved(-5, 102)
  expect(flow.measure(quick(10), 202)).toBe(10)
})

it('takes jobs that have run long for slow ones, however close together they end', () => {
  const flow = new Flow(limits)
  flow.begins({ finished: 1, workedMs: 5000 }, 5000)
  flow.starved(5010, 5080)
  expect(flow.measure({ finished: 10, workedMs: 50_000 }, 5080)).toBe(0)
  flow.begins({ finished: 10, workedMs: 50_000 }, 5080)
  expect(flow.measure({ finished: 20, workedMs: 50_200 }, 5080)).toBe(40)
})

it('counts the time in which there was nothing to wait for', () => {
  const flow = new Flow(limits)
  flow.begins(quick(0), 0)
  flow.starved(-5, 3)
  expect(flow.measure(quick(1), 503)).toBe(0)
})
