import { messageHeader } from '@aimq/events'
import { recordFacts } from '@aimq/events/testing'
import { describe, expect, it } from 'vitest'
import { type Job, snooze } from '../src/index.ts'
import { gate, intercept, setup } from './setup.ts'

const many = (count: number, payload: unknown = 'good') => Array.from({ length: count }, () => ({ payload }))
const refusal = Object.assign(new Error('that cannot be stored'), { code: 'queue/invalid-payload' })

describe('a settlement that the queue refuses', () => {
  it('holds up no other, and is made without what was refused', async () => {
    const { bus, clock, queue, start } = await setup({
      handlers: {
        emails: ({ payload }) => {
          if (payload === 'bad') throw new Error('unstorable')
        },
      },
      defaults: { maxAttempts: 5, backoff: () => 60_000 },
    })
    intercept(bus, (name, input, pass) => {
      if (name === 'queue:settle' && JSON.stringify(input).includes('unstorable')) throw refusal
      return pass()
    })
    queue.send('emails', ...many(5), { payload: 'bad' }, ...many(5))
    await start()
    await clock.advance(2000)
    expect(queue.archive('emails')).toHaveLength(10)
    expect(queue.messages('emails')).toMatchObject([
      { payload: 'bad', headers: { [messageHeader.failures]: 1 } },
    ])
  })

  it('as a dead letter holds up no other dead letter', async () => {
    const { bus, clock, queue, start } = await setup({
      handlers: {
        emails: ({ payload }) => {
          throw new Error(payload === 'bad' ? 'unstorable' : 'plain')
        },
      },
      defaults: { maxAttempts: 1 },
    })
    intercept(bus, (name, input, pass) => {
      if (name === 'queue:settle' && JSON.stringify(input).includes('unstorable')) throw refusal
      return pass()
    })
    queue.send('emails', ...many(5), { payload: 'bad' }, ...many(5))
    await start()
    await clock.advance(5000)
    expect(queue.messages('emails_dlq')).toHaveLength(11)
  })
})

describe('a handler', () => {
  it.each([
    ['a snooze without a number', snooze({ delaySeconds: 10n as never })],
    ['a snooze without a delay', snooze({} as never)],
    ['a negative delay', snooze({ delaySeconds: -1 })],
    ['an outcome of another version', { [Symbol.for('aimq.outcome')]: true, kind: 'park' }],
    [
      'a trap',
      new Proxy(
        {},
        {
          has: () => {
            throw new Error('trap')
          },
        },
      ),
    ],
  ])('that answers %s has failed, and nothing else happens', async (_what, answer) => {
    const { bus, clock, queue, start, lines } = await setup({
      handlers: { emails: () => answer },
      defaults: { timeoutMs: 1000 },
    })
    const retried = recordFacts(bus, 'worker:job-retried')
    queue.send('emails', { payload: 1 })
    await start()
    await clock.advance(500)
    expect(retried.map(({ fact }) => fact.cause)).toEqual(['failed'])
    expect(lines).toEqual([])
  })

  it('that writes on its job harms nobody', async () => {
    const hold = gate()
    const { bus, clock, queue, start } = await setup({
      handlers: {
        emails: async (job) => {
          for (const key of ['message', 'startedAt', 'trustedUntil', 'settling', 'id', 'queue']) {
            try {
              ;(job as unknown as Record<string, unknown>)[key] = 'vandalised'
            } catch {
              // A property without a setter.
            }
          }
          await hold.promise
        },
      },
      defaults: { leaseMs: 1000 },
    })
    const lost = recordFacts(bus, 'worker:lease-lost')
    queue.send('emails', ...many(3))
    await start()
    await clock.advance(5000)
    hold.resolve()
    await clock.advance(100)
    expect(lost).toEqual([])
    expect(queue.archive('emails')).toHaveLength(3)
  })

  it('whose validator throws, rather than refuses, is tried again', async () => {
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: async () => {
          throw new Error('the lookup service is away')
        },
      },
    }
    const definition = { name: 'emails', deadLetterQueue: 'emails_dlq', schema }
    const { bus, clock, queue, start } = await setup({
      handlers: { emails: { queue: definition, handler: () => {}, policy: {} } },
    })
    const retried = recordFacts(bus, 'worker:job-retried')
    queue.send('emails', { payload: 1 })
    await start()
    await clock.advance(500)
    expect(retried).toHaveLength(1)
  })
})

describe('a hint', () => {
  it.each(['5', 5n, Symbol('5'), Number.NaN, -1, 1e-300, Number.POSITIVE_INFINITY, {}])(
    'whose count is %s is followed like any other',
    async (count) => {
      const { bus, clock, queue, start } = await setup({ handlers: { emails: () => {} } })
      await start()
      bus.emit('realtime:health-changed', { health: 'healthy' })
      await clock.advance(60_000)
      for (let job = 1; job <= 3; job++) {
        queue.send('emails', { payload: job })
        bus.emit('job:enqueued', { queue: 'emails', count: count as number, source: 'test' })
        await clock.advance(20)
        expect(queue.archive('emails')).toHaveLength(job)
      }
    },
  )
})

describe('an answer that comes late', () => {
  it('to a read, after the worker has stopped, is handed back, and no heartbeat goes on', async () => {
    const { bus, clock, queue, start } = await setup({ handlers: { emails: () => {} } })
    const hold = gate()
    const service = await start()
    await clock.advance(100)
    intercept(bus, async (name, _input, pass) => {
      const answer = await pass()
      if (name === 'queue:read') await hold.promise
      return answer
    })
    queue.send('emails', { payload: 1 })
    bus.emit('job:enqueued', { queue: 'emails', source: 'test' })
    await clock.advance(200)
    const stopped = service.stop()
    await clock.advance(6000)
    await stopped
    hold.resolve()
    await clock.advance(3_600_000)
    expect(clock.pending).toBe(0)
    expect(queue.asked.get('queue:extend') ?? 0).toBeLessThan(3)
    expect(queue.messages('emails')[0]?.visibleAt).toBeLessThanOrEqual(clock.now())
  })

  it('to a read, after the lease has ended, runs nothing', async () => {
    let runs = 0
    const { bus, clock, queue, start } = await setup({
      handlers: { emails: () => void runs++ },
      defaults: { leaseMs: 2000 },
    })
    let late = true
    intercept(bus, async (name, _input, pass) => {
      const answer = await pass()
      if (name === 'queue:read' && late) {
        late = false
        const { promise, resolve } = Promise.withResolvers<void>()
        clock.timer(5000, resolve)
        await promise
      }
      return answer
    })
    queue.send('emails', { payload: 1 })
    await start()
    await clock.advance(4900)
    // Somebody else has it by now.
    const message = queue.messages('emails')[0] as { readCount: number; visibleAt: number }
    message.readCount++
    message.visibleAt = clock.now() + 60_000
    await clock.advance(5000)
    expect(runs).toBe(0)
  })

  it('to a slow read leaves time for a heartbeat', async () => {
    const hold = gate()
    const { bus, clock, queue, start } = await setup({
      handlers: { emails: () => hold.promise },
      defaults: { leaseMs: 2000 },
    })
    const lost = recordFacts(bus, 'worker:lease-lost')
    intercept(bus, async (name, _input, pass) => {
      const answer = await pass()
      if (name === 'queue:read' && (answer as { messages: unknown[] }).messages.length > 0) {
        const { promise, resolve } = Promise.withResolvers<void>()
        clock.timer(900, resolve)
        await promise
      }
      return answer
    })
    queue.send('emails', { payload: 1 })
    await start()
    await clock.advance(10_000)
    expect(lost).toEqual([])
    hold.resolve()
  })

  it('to a heartbeat does not give a released job its lease back', async () => {
    const hold = gate()
    const beating = gate()
    const { bus, clock, queue, start } = await setup({
      handlers: {
        emails: async ({ readCount }) => {
          if (readCount > 1) return undefined
          await hold.promise
          return snooze({ delaySeconds: 86_400 })
        },
      },
      defaults: { leaseMs: 3000 },
    })
    intercept(bus, async (name, _input, pass) => {
      if (name === 'queue:extend') {
        hold.resolve()
        await beating.promise
      }
      return pass()
    })
    queue.send('emails', { payload: 1 })
    await start()
    await clock.advance(1100)
    beating.resolve()
    await clock.advance(20_000)
    expect(queue.messages('emails')[0]?.visibleAt).toBeGreaterThan(clock.now() + 80_000_000)
  })
})

describe('fairness', () => {
  it('a busy queue does not starve the others of the slots they share', async () => {
    const order: string[] = []
    const { clock, queue, start } = await setup({
      handlers: {
        busy: () =>
          new Promise<void>((resolve) => void clock.timer(1, resolve)).then(() => void order.push('busy')),
        quiet: () => void order.push('quiet'),
      },
      totalConcurrency: 2,
    })
    queue.send('busy', ...many(500))
    await start()
    await clock.advance(20)
    queue.send('quiet', ...many(3))
    await clock.advance(1500)
    expect(order).toHaveLength(503)
    expect(order.lastIndexOf('quiet')).toBeLessThan(450)
  })

  it('jobs leased ahead that do not get to start are handed back to idle peers', async () => {
    const hold = gate()
    const { clock, queue, start } = await setup({
      handlers: { mixed: ({ payload }) => (payload === 'slow' ? hold.promise : undefined) },
    })
    queue.send('mixed', ...many(60), ...many(100, 'slow'))
    await start()
    await clock.advance(3000)
    const mine = queue.messages('mixed').filter((message) => message.visibleAt > clock.now())
    expect(mine).toHaveLength(10)
    hold.resolve()
  })

  it('a suspect holds up its queue for seconds only, however long its neighbours take', async () => {
    const hold = gate()
    const done: unknown[] = []
    const { bus, clock, queue, start } = await setup({
      handlers: {
        emails: ({ payload }: Job) => (payload === 'long' ? hold.promise : void done.push(payload)),
      },
    })
    queue.send('emails', { payload: 'suspect' })
    for (let crash = 0; crash < 2; crash++) {
      await bus.request('queue:read', { queue: 'emails', count: 1, leaseMs: 1000 })
      await clock.advance(1001)
    }
    // Due after the long one.
    await bus
      .request('queue:read', { queue: 'emails', count: 1, leaseMs: 100 })
      .then(({ messages: [message] }) => {
        if (message === undefined) throw new Error('expected the suspect')
        const release = {
          ...message,
          action: 'release' as const,
          delayMs: 100,
          headers: { [messageHeader.releases]: 1 },
        }
        return bus.request('queue:settle', { queue: 'emails', settlements: [release] })
      })
    queue.send('emails', { payload: 'long' })
    await start()
    await clock.advance(1500)
    queue.send('emails', ...many(5))
    await clock.advance(15_000)
    expect(done.sort()).toEqual(['good', 'good', 'good', 'good', 'good', 'suspect'])
    hold.resolve()
  })
})

describe('health', () => {
  it('of wake-ups is forgotten when the worker starts anew, and never keeps it from starting', async () => {
    const { bus, clock, start } = await setup({ handlers: { emails: () => {} } })
    const answering = bus.handle('realtime:status', () => new Promise(() => {}))
    const service = await start()
    bus.emit('realtime:health-changed', { health: 'healthy' })
    expect((await bus.request('worker:status', {})).wakeupsProven).toBe(true)
    await service.stop()
    answering[Symbol.dispose]()
    bus.handle('realtime:status', async () => {
      throw new Error('no')
    })
    await service.start()
    await clock.advance(10)
    expect((await bus.request('worker:status', {})).wakeupsProven).toBe(false)
  })
})
