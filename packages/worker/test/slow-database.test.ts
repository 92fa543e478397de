import type { Bus, Clock } from '@aimq/events'
import { recordFacts } from '@aimq/events/testing'
import { describe, expect, it } from 'vitest'
import { intercept, setup } from './setup.ts'

const many = (count: number) => Array.from({ length: count }, (_, index) => ({ payload: index }))
const sleep = (clock: Clock, ms: number) => new Promise<void>((resolve) => clock.timer(ms, resolve))

/** Answers to reads come so much later. How many messages each asked for. */
function slowReads(bus: Bus, clock: Clock, ms: number): number[] {
  const asked: number[] = []
  intercept(
    bus,
    async (name, input: { readonly count?: number; readonly read?: { count: number } }, pass) => {
      const count = name === 'queue:read' ? input.count : input.read?.count
      const answer = await pass()
      if (count === undefined) return answer
      asked.push(count)
      await sleep(clock, ms)
      return answer
    },
  )
  return asked
}

describe('a database that takes long to answer', () => {
  it('is asked for no less at a time', async () => {
    const { bus, clock, queue, start } = await setup({ handlers: { emails: () => {} } })
    const asked = slowReads(bus, clock, 1000)
    queue.send('emails', ...many(10_000))
    await start()
    for (let n = 0; queue.archive('emails').length < 10_000 && n < 1000; n++) await clock.advance(50)
    expect(queue.archive('emails')).toHaveLength(10_000)
    // As much as a read may bring, from the ninth on.
    expect(asked[0]).toBe(10)
    expect(asked.slice(8, 12)).toEqual([1000, 1000, 1000, 1000])
  })

  it('is asked for a tenth of a second of work, and not for what could be worked while it answers', async () => {
    const { bus, clock, queue, start } = await setup({
      handlers: { emails: () => sleep(clock, 20) },
      totalConcurrency: 2,
    })
    const asked = slowReads(bus, clock, 100)
    queue.send('emails', ...many(200))
    await start()
    for (let n = 0; queue.archive('emails').length < 200 && n < 1000; n++) await clock.advance(10)
    expect(queue.archive('emails')).toHaveLength(200)
    // Two slots, and ten jobs ahead.
    expect(Math.max(...asked)).toBeLessThanOrEqual(12)
    expect(Math.max(...asked)).toBeGreaterThan(6)
  })

  it('is asked for no slow jobs ahead, however close together the ones before have ended', async () => {
    const { bus, clock, queue, start } = await setup({
      handlers: { slow: ({ payload }) => sleep(clock, 5000 + 3 * (Number(payload) % 10)) },
    })
    const asked = slowReads(bus, clock, 80)
    queue.send('slow', ...many(100))
    await start()
    for (let n = 0; n < 400; n++) await clock.advance(50)
    expect(queue.archive('slow').length).toBeGreaterThan(20)
    expect(Math.max(...asked)).toBe(10)
  })

  it('does not get back at once what it was asked for ahead', async () => {
    const { bus, clock, queue, start } = await setup({ handlers: { emails: () => sleep(clock, 20) } })
    const released = recordFacts(bus, 'worker:job-released')
    slowReads(bus, clock, 1050)
    queue.send('emails', ...many(100))
    await start()
    for (let n = 0; queue.archive('emails').length < 100 && n < 1000; n++) await clock.advance(10)
    expect(queue.archive('emails')).toHaveLength(100)
    expect(released).toEqual([])
  })

  it('does not cost a lease, which runs from before the read', async () => {
    const { bus, clock, queue, start } = await setup({ handlers: { emails: () => sleep(clock, 20_000) } })
    const lost = recordFacts(bus, 'worker:lease-lost')
    slowReads(bus, clock, 19_000)
    queue.send('emails', ...many(1))
    await start()
    for (let n = 0; queue.archive('emails').length < 1 && n < 100; n++) await clock.advance(1000)
    expect(queue.archive('emails')).toHaveLength(1)
    expect(lost).toEqual([])
  })
})
