import { messageHeader } from '@aimq/events'
import { describe, expect, it } from 'vitest'
import { deadLetter } from '../src/index.ts'
import { gate, intercept, setup } from './setup.ts'

const many = (count: number, payload: unknown = 'good') => Array.from({ length: count }, () => ({ payload }))

describe('dead letters', () => {
  it('read again while they wait to be moved are neither run again nor sent twice', async () => {
    let runs = 0
    const { bus, clock, queue, start } = await setup({
      handlers: {
        emails: () => {
          runs++
          return deadLetter({ reason: 'broken' })
        },
      },
      defaults: { leaseMs: 1000 },
    })
    let forbidden = true
    intercept(bus, async (name, input, pass) => {
      if (name === 'queue:extend' && forbidden) throw new Error('half-open')
      if (name === 'queue:settle' && forbidden && JSON.stringify(input).includes('dead-letter'))
        throw new Error('forbidden')
      return pass()
    })
    queue.send('emails', { payload: 1 })
    await start()
    await clock.advance(10_000)
    forbidden = false
    queue.send('emails', ...many(3))
    await clock.advance(40_000)
    expect(queue.messages('emails_dlq')).toHaveLength(4)
    expect(runs).toBe(4)
  })

  it('that cannot be moved when the worker stops are not run again by the next', async () => {
    let runs = 0
    const handlers = {
      emails: () => {
        runs++
        return deadLetter({ reason: 'broken' })
      },
    }
    const { bus, clock, queue, start } = await setup({ handlers })
    let forbidden = true
    intercept(bus, async (name, input, pass) => {
      if (name === 'queue:settle' && forbidden && JSON.stringify(input).includes('dead-letter'))
        throw new Error('forbidden')
      return pass()
    })
    queue.send('emails', { payload: 1 })
    const service = await start()
    await clock.advance(100)
    const stopped = service.stop()
    await clock.advance(20_000)
    await stopped
    expect(queue.messages('emails')[0]?.headers?.[messageHeader.givenUp]).toBe('broken')
    forbidden = false
    await service.start()
    await clock.advance(1000)
    expect(runs).toBe(1)
    expect(queue.messages('emails_dlq')[0]?.headers?.[messageHeader.deadLetter]).toMatchObject({
      reason: 'broken',
    })
  })

  it('whose move is under way are waited for when the worker stops', async () => {
    const hold = gate()
    const { bus, clock, queue, start } = await setup({
      handlers: { emails: () => deadLetter({ reason: 'broken' }) },
    })
    intercept(bus, async (name, input, pass) => {
      if (name === 'queue:settle' && JSON.stringify(input).includes('dead-letter')) await hold.promise
      return pass()
    })
    queue.send('emails', ...many(2))
    const service = await start()
    await clock.advance(0)
    const stopped = service.stop()
    await clock.advance(1000)
    hold.resolve()
    await clock.advance(1000)
    await stopped
    expect(queue.messages('emails_dlq')).toHaveLength(2)
    expect(clock.pending).toBe(0)
  })
})
