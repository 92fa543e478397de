import { recordFacts } from '@aimq/events/testing'
import { describe, expect, it } from 'vitest'
import { gate, setup } from './setup.ts'

const refusal = Object.assign(new Error('the database is away'), { code: 'queue/unreachable' })

describe('while the database is away', () => {
  it('the worker tries on with backoff, says so once, and goes on by itself', async () => {
    let done = 0
    const { bus, clock, queue, start, lines } = await setup({ handlers: { emails: () => void done++ } })
    const facts = recordFacts(bus, 'worker:queue-paused', 'worker:queue-resumed')
    await start()
    await clock.advance(100)
    queue.failWith = refusal
    await clock.advance(60_000)
    const asked = [...queue.asked.values()].reduce((sum, count) => sum + count, 0)
    expect(asked).toBeLessThan(40)
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
    queue.failWith = undefined
    queue.send('emails', { payload: 1 })
    await clock.advance(6000)
    expect(done).toBe(1)
    expect(facts.map(({ name }) => name)).toEqual(['worker:queue-paused', 'worker:queue-resumed'])
    expect(facts[0]?.fact).toMatchObject({ cause: 'unavailable', message: 'the database is away' })
  })

  it('hints do not make it try more often', async () => {
    const { bus, clock, queue, start } = await setup({ handlers: { emails: () => {} } })
    await start()
    queue.failWith = refusal
    await clock.advance(30_000)
    const before = queue.asked.get('queue:read') ?? 0
    for (let storm = 0; storm < 100; storm++) {
      bus.emit('job:enqueued', { queue: 'emails', source: 'test' })
      await clock.advance(10)
    }
    expect((queue.asked.get('queue:read') ?? 0) - before).toBeLessThanOrEqual(1)
    queue.failWith = undefined
  })

  it('a finished job is settled when it is back, and not run again', async () => {
    const hold = gate()
    let runs = 0
    const { clock, queue, start } = await setup({
      handlers: {
        emails: async () => {
          runs++
          await hold.promise
        },
      },
    })
    queue.send('emails', { payload: 1 })
    await start()
    await clock.advance(0)
    queue.failWith = refusal
    hold.resolve()
    await clock.advance(10_000)
    expect(queue.archive('emails')).toHaveLength(0)
    queue.failWith = undefined
    await clock.advance(6000)
    expect(queue.archive('emails')).toHaveLength(1)
    expect(runs).toBe(1)
  })
})

describe('a queue that does not exist', () => {
  it('is waited for, while the others are worked', async () => {
    let done = 0
    const handlers = { emails: () => void done++, later: () => void done++ }
    const { bus, clock, queue, start } = await setup({ handlers }, ['emails'])
    await start()
    queue.send('emails', { payload: 1 })
    await clock.advance(1200)
    expect(done).toBe(1)
    expect(await bus.request('worker:status', {})).toMatchObject({
      queues: [
        { queue: 'emails', state: 'running' },
        { queue: 'later', state: 'unavailable' },
      ],
    })
    await bus.request('queue:create', { queue: 'later' })
    queue.send('later', { payload: 1 })
    await clock.advance(6000)
    expect(done).toBe(2)
  })
})

describe('dead letters that cannot be moved', () => {
  it('hold up no other job, stay in hand, and move when they can', async () => {
    let refuse = true
    const { bus, clock, queue, start, lines } = await setup({
      handlers: {
        emails: (job) => {
          if (job.payload === 'bad') throw new Error('never')
        },
      },
      defaults: { maxAttempts: 1 },
    })
    const settle = bus.request.bind(bus)
    bus.request = async (name, input, options) => {
      const dead = name === 'queue:settle' && JSON.stringify(input).includes('dead-letter')
      if (dead && refuse) throw new Error('permission denied to create the dead-letter queue')
      return settle(name, input, options)
    }
    queue.send('emails', { payload: 'bad' }, { payload: 'good' }, { payload: 'good' })
    await start()
    await clock.advance(60_000)
    expect(queue.archive('emails')).toHaveLength(2)
    expect(queue.messages('emails')).toMatchObject([{ payload: 'bad', readCount: 1 }])
    expect(lines.filter(({ message }) => message.includes('dead letters')).length).toBe(1)
    refuse = false
    await clock.advance(31_000)
    expect(queue.messages('emails')).toEqual([])
    expect(queue.messages('emails_dlq')).toHaveLength(1)
  })
})
