import { createBus, silentLogger } from '@aimq/events'
import { recordFacts } from '@aimq/events/testing'
import { describe, expect, it } from 'vitest'
import { worker } from '../src/index.ts'
import { gate, setup } from './setup.ts'

describe('worker requests', () => {
  it('pause stops reading, jobs in hand go on, resume looks at once', async () => {
    const hold = gate()
    const { bus, clock, queue, start } = await setup({ handlers: { emails: () => hold.promise } })
    const facts = recordFacts(bus, 'worker:queue-paused', 'worker:queue-resumed')
    queue.send('emails', { payload: 1 })
    await start()
    await clock.advance(0)
    expect(await bus.request('worker:pause', {})).toEqual({ queues: ['emails'] })
    expect(await bus.request('worker:pause', { queue: 'emails' })).toEqual({ queues: [] })
    queue.send('emails', { payload: 2 })
    hold.resolve()
    await clock.advance(10_000)
    expect(queue.archive('emails')).toHaveLength(1)
    expect((await bus.request('worker:status', {})).queues[0]?.state).toBe('paused')
    await bus.request('worker:resume', { queue: 'emails' })
    await clock.advance(10)
    expect(queue.archive('emails')).toHaveLength(2)
    expect(facts.map(({ name }) => name)).toEqual(['worker:queue-paused', 'worker:queue-resumed'])
  })

  it('of an unknown queue are refused with the near name', async () => {
    const { bus, start } = await setup({ handlers: { emails: () => {} } })
    await start()
    await expect(bus.request('worker:pause', { queue: 'emials' })).rejects.toMatchObject({
      code: 'worker/unknown-queue',
      message: expect.stringContaining('did you mean "emails"?'),
    })
  })

  it('status counts what became of jobs', async () => {
    const { bus, clock, queue, start } = await setup({
      handlers: {
        emails: (job) => {
          if (job.payload === 'bad') throw new Error('no')
        },
      },
      defaults: { maxAttempts: 2, backoff: () => 10 },
    })
    queue.send('emails', { payload: 'bad' }, { payload: 'good' })
    await start()
    await clock.advance(1000)
    expect(await bus.request('worker:status', {})).toMatchObject({
      state: 'running',
      wakeupsProven: false,
      queues: [{ queue: 'emails', completed: 1, retried: 1, deadLettered: 1, running: 0, buffered: 0 }],
    })
  })

  it('drain resolves when nothing is ready, worked or to be retried, and leaves what is scheduled', async () => {
    let failures = 1
    const { bus, clock, queue, start } = await setup({
      handlers: {
        emails: () => {
          if (failures-- > 0) throw new Error('once')
        },
      },
      defaults: { backoff: () => 5000 },
    })
    queue.send('emails', { payload: 1 }, { payload: 2 }, { payload: 'scheduled', delayMs: 3_600_000 })
    await start()
    let drained: { completed: number } | undefined
    const draining = bus.request('worker:drain', {}).then((answer) => {
      drained = answer
    })
    await clock.advance(4000)
    expect(drained).toBeUndefined()
    await clock.advance(3000)
    await draining
    expect(drained).toEqual({ completed: 2 })
    expect(queue.messages('emails')).toMatchObject([{ payload: 'scheduled' }])
  })

  it('drain is given up when the worker stops', async () => {
    const { bus, clock, queue, start } = await setup({ handlers: { emails: () => new Promise(() => {}) } })
    queue.send('emails', { payload: 1 })
    const service = await start()
    const draining = expect(bus.request('worker:drain', {})).rejects.toMatchObject({
      code: 'worker/shutdown',
    })
    await clock.advance(10)
    const stopped = service.stop({ signal: AbortSignal.abort() })
    await clock.advance(2000)
    await stopped
    await draining
  })
})

describe('a worker without a queue', () => {
  it('says which package to add', async () => {
    const bus = createBus({ logger: silentLogger })
    await expect(bus.use(worker({ handlers: { emails: () => {} } }))).rejects.toMatchObject({
      code: 'worker/no-queue',
      message: expect.stringContaining('@aimq/queue'),
    })
  })
})
