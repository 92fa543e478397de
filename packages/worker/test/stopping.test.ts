import { createBus, messageHeader, silentLogger, systemClock } from '@aimq/events'
import { describeService, memoryQueue, recordFacts } from '@aimq/events/testing'
import { describe, expect, it } from 'vitest'
import { worker } from '../src/index.ts'
import { gate, setup } from './setup.ts'

describe('a worker that stops', () => {
  it('reads no more, lets jobs finish, and settles them', async () => {
    const hold = gate()
    const { clock, queue, start } = await setup({ handlers: { emails: () => hold.promise } })
    queue.send('emails', { payload: 1 })
    const service = await start()
    await clock.advance(0)
    const stopped = service.stop()
    queue.send('emails', { payload: 2 })
    await clock.advance(1000)
    hold.resolve()
    await clock.advance(0)
    await stopped
    expect(queue.archive('emails').map(({ payload }) => payload)).toEqual([1])
    expect(queue.messages('emails')).toMatchObject([{ payload: 2, readCount: 0 }])
  })

  it('hands back what has not finished in the grace period: at once, attempt not spent, and wakes a peer', async () => {
    const { bus, clock, queue, start } = await setup({
      handlers: {
        heedful: (job) =>
          new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason))),
        deaf: () => new Promise(() => {}),
      },
      gracePeriodMs: 2000,
    })
    const facts = recordFacts(bus, 'worker:job-released', 'job:enqueued')
    queue.send('heedful', { payload: 1 })
    queue.send('deaf', { payload: 1 })
    const service = await start()
    await clock.advance(0)
    const stopped = service.stop()
    await clock.advance(1900)
    expect(facts).toEqual([])
    await clock.advance(1000)
    await stopped
    for (const name of ['heedful', 'deaf']) {
      const [message] = queue.messages(name)
      expect(message?.headers).toEqual({ [messageHeader.releases]: 1 })
      expect(message?.visibleAt).toBeLessThanOrEqual(clock.now())
    }
    expect(facts.map(({ name, fact }) => [name, fact.queue]).sort()).toEqual([
      ['job:enqueued', 'deaf'],
      ['job:enqueued', 'heedful'],
      ['worker:job-released', 'deaf'],
      ['worker:job-released', 'heedful'],
    ])
  })

  it('does so at once when its caller loses patience', async () => {
    const { bus, clock, queue, start } = await setup({
      handlers: { deaf: () => new Promise(() => {}) },
      gracePeriodMs: 60_000,
    })
    const released = recordFacts(bus, 'worker:job-released')
    queue.send('deaf', { payload: 1 })
    const service = await start()
    await clock.advance(0)
    const impatient = new AbortController()
    const stopped = service.stop({ signal: impatient.signal })
    await clock.advance(100)
    expect(released).toEqual([])
    impatient.abort()
    await clock.advance(600)
    await stopped
    expect(released).toHaveLength(1)
  })

  it('leaves no timer behind', async () => {
    const { clock, queue, start } = await setup({
      handlers: { emails: () => {}, broken: () => Promise.reject(new Error('no')) },
    })
    queue.send('emails', { payload: 1 })
    queue.send('broken', { payload: 1 })
    const service = await start()
    await clock.advance(3000)
    await service.stop()
    expect(clock.pending).toBe(0)
  })

  it('stops although the database is away', async () => {
    const hold = gate()
    const { clock, queue, start } = await setup({ handlers: { emails: () => hold.promise } })
    queue.send('emails', { payload: 1 })
    const service = await start()
    await clock.advance(0)
    queue.failWith = new Error('the database is away')
    hold.resolve()
    const stopped = service.stop()
    await clock.advance(20_000)
    await stopped
    queue.failWith = undefined
    expect(queue.messages('emails')).toHaveLength(1)
  })
})

describeService('worker', {
  async make() {
    const bus = createBus({ logger: silentLogger, clock: systemClock })
    await bus.use(memoryQueue(['emails']))
    const service = worker({ handlers: { emails: () => {} } }).create({
      bus,
      logger: silentLogger,
      clock: systemClock,
    })
    buses.set(service, bus)
    return service
  },
  isUp: (service) => buses.get(service)?.canRequest('worker:status') ?? false,
})

const buses = new WeakMap<object, ReturnType<typeof createBus>>()
