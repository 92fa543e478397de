import { describe, expect, it } from 'vitest'
import { defineHandler } from '../src/index.ts'
import { Slots } from '../src/slots.ts'
import { gate, intercept, setup } from './setup.ts'

const many = (count: number) => Array.from({ length: count }, (_, index) => ({ payload: index }))

describe('concurrency', () => {
  it('is bounded per queue', async () => {
    const hold = gate()
    let running = 0
    const { clock, queue, start } = await setup({
      handlers: {
        emails: async () => {
          running++
          await hold.promise
        },
      },
      defaults: { concurrency: 3 },
    })
    queue.send('emails', ...many(10))
    await start()
    await clock.advance(5000)
    expect(running).toBe(3)
    hold.resolve()
    await clock.advance(1000)
    expect(queue.archive('emails')).toHaveLength(10)
  })

  it('is bounded in total, and slots go round so that no queue starves', async () => {
    const holds: (() => void)[] = []
    const order: string[] = []
    const handler = async ({ queue }: { queue: string }) => {
      order.push(queue)
      await new Promise<void>((resolve) => holds.push(resolve))
    }
    const { clock, queue, start } = await setup({ handlers: { a: handler, b: handler }, totalConcurrency: 2 })
    queue.send('a', ...many(6))
    queue.send('b', ...many(6))
    await start()
    await clock.advance(0)
    expect(order).toHaveLength(2)
    for (let done = 0; done < 12; done++) {
      holds.shift()?.()
      await clock.advance(200)
      expect(holds.length).toBeLessThanOrEqual(2)
    }
    expect(order.filter((name) => name === 'a')).toHaveLength(6)
    expect(order.slice(0, 6)).toContain('b')
  })

  it('keeps two statements under way in a fast flow, never more, and loses nothing at its end', async () => {
    const { bus, clock, queue, start } = await setup({ handlers: { emails: () => {} } })
    let open = 0
    let most = 0
    let together = 0
    intercept(bus, async (name, _, pass) => {
      if (name !== 'queue:settle' && name !== 'queue:read') return pass()
      most = Math.max(most, ++open)
      if (open === 2) together++
      await new Promise<void>((resolve) => clock.timer(5, resolve))
      open--
      return pass()
    })
    queue.send('emails', ...many(20_000))
    await start()
    for (let n = 0; queue.archive('emails').length < 20_000 && n < 1000; n++) await clock.advance(1)
    expect(queue.archive('emails')).toHaveLength(20_000)
    expect(most).toBe(2)
    expect(together).toBeGreaterThan(10)
  })

  it('leases no more than it can run of slow jobs, so that a crash strands little', async () => {
    const hold = gate()
    const { clock, queue, start } = await setup({
      handlers: { slow: () => hold.promise },
      defaults: { concurrency: 4 },
    })
    queue.send('slow', ...many(50))
    await start()
    await clock.advance(5000)
    expect(queue.messages('slow').filter((message) => message.readCount > 0)).toHaveLength(4)
    hold.resolve()
  })

  it('of one queue is not touched by another that fails', async () => {
    let fine = 0
    const { clock, queue, start } = await setup({
      handlers: {
        broken: () => {
          throw new Error('always')
        },
        fine: () => void fine++,
      },
      defaults: { backoff: () => 60_000 },
    })
    queue.send('broken', ...many(100))
    await start()
    await clock.advance(100)
    queue.send('fine', ...many(100))
    await clock.advance(1200)
    expect(fine).toBe(100)
  })

  it('is the queue’s own where its handler says so', async () => {
    const hold = gate()
    let running = 0
    const handler = async () => {
      running++
      await hold.promise
    }
    const { clock, queue, start } = await setup({
      handlers: { emails: defineHandler('emails', handler, { concurrency: 1 }) },
    })
    queue.send('emails', ...many(5))
    await start()
    await clock.advance(2000)
    expect(running).toBe(1)
    hold.resolve()
  })
})

describe('slots', () => {
  it('go round in the order of asking, whoever gives one back', () => {
    const slots = new Slots(1)
    const told: string[] = []
    const busy = () => told.push('busy')
    const first = () => told.push('first')
    const second = () => told.push('second')
    expect(slots.take(busy)).toBe(true)
    expect([slots.take(first), slots.take(second)]).toEqual([false, false])
    slots.give()
    expect(told).toEqual(['first'])
    // The one that gave it back stands behind the others now.
    expect(slots.take(busy)).toBe(false)
    // The first has nothing to start after all.
    slots.forget(first)
    expect(told).toEqual(['first', 'second'])
    expect(slots.take(second)).toBe(true)
    slots.give()
    expect(slots.take(busy)).toBe(true)
  })
})
