import { recordFacts } from '@aimq/events/testing'
import { describe, expect, it } from 'vitest'
import { setup } from './setup.ts'

/** A worker with so many jobs of 100 ms each, one after the other, and what it says of wake-ups. */
async function busy(jobs: number) {
  const context = await setup({
    handlers: {
      emails: () => new Promise<void>((resolve) => context.clock.timer(100, resolve)),
    },
    defaults: { concurrency: 1, maxPrefetch: 0 },
  })
  const facts = recordFacts(context.bus, 'worker:wakeups-wanted')
  const wanted = () => facts.map(({ fact }) => fact.wanted)
  context.queue.send('emails', ...Array.from({ length: jobs }, (_, payload) => ({ payload })))
  await context.start()
  return { ...context, wanted }
}

describe('a worker', () => {
  it('says that it wants no wake-ups once it has read without a pause for a second, and that it does before it waits', async () => {
    const { clock, queue, wanted } = await busy(30)
    await clock.advance(900)
    expect(wanted()).toEqual([])
    await clock.advance(400)
    expect(wanted()).toEqual([false])
    await clock.advance(3000)
    expect(queue.archive('emails')).toHaveLength(30)
    expect(wanted()).toEqual([false, true])
  })

  it('wants wake-ups all the while jobs come one by one', async () => {
    const { clock, queue, wanted } = await busy(0)
    for (let job = 0; job < 20; job++) {
      queue.send('emails', { payload: job })
      await clock.advance(250)
    }
    expect(wanted()).toEqual([])
  })

  it('repeats it to a listener that was not there, and takes it back when it is paused', async () => {
    const { bus, clock, wanted } = await busy(60)
    await clock.advance(1500)
    bus.emit('realtime:path-connected', { path: 'listen' })
    expect(wanted()).toEqual([false, false])
    await bus.request('worker:pause', {})
    await clock.advance(1000)
    expect(wanted()).toEqual([false, false, true])
  })

  it('takes it back when the database fails, and when it stops', async () => {
    const { bus, clock, queue, wanted } = await busy(60)
    await clock.advance(1500)
    queue.failWith = new Error('the database is away')
    await clock.advance(300)
    queue.failWith = undefined
    expect(wanted()).toEqual([false, true])
    await clock.advance(2000)
    expect(wanted()).toEqual([false, true, false])
    const stopping = bus.stop({ signal: AbortSignal.abort() })
    await clock.advance(10_000)
    await stopping
    expect(wanted()).toEqual([false, true, false, true])
  })

  it('looks at the queues whose wake-ups may have been missed', async () => {
    const { bus, clock, queue } = await busy(0)
    bus.emit('realtime:health-changed', { health: 'healthy' })
    await clock.advance(5000)
    for (const queues of [['emails'], undefined]) {
      queue.send('emails', { payload: 'quiet' })
      bus.emit('realtime:wakeups-missed', { path: 'listen', ...(queues === undefined ? {} : { queues }) })
      await clock.advance(300)
      expect(queue.archive('emails')).toHaveLength(queues === undefined ? 2 : 1)
    }
  })
})
