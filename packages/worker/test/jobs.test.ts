import { defineQueue, messageHeader } from '@aimq/events'
import { recordFacts } from '@aimq/events/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { deadLetter, defineHandler, type Job, retry, snooze } from '../src/index.ts'
import { gate, intercept, setup } from './setup.ts'

describe('a job', () => {
  it('is worked, archived, and told of', async () => {
    const seen: Job[] = []
    const { bus, clock, queue, start } = await setup({ handlers: { emails: (job) => void seen.push(job) } })
    const facts = recordFacts(bus, 'worker:job-started', 'worker:job-completed')
    queue.send('emails', { payload: { to: 'a' }, headers: { tenant: 'x' } })
    await start()
    await clock.advance(0)
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({
      queue: 'emails',
      id: '1',
      payload: { to: 'a' },
      headers: { tenant: 'x' },
      attempt: 1,
      readCount: 1,
    })
    expect(queue.messages('emails')).toEqual([])
    expect(queue.archive('emails')).toHaveLength(1)
    expect(facts.map(({ name, fact }) => [name, fact.id])).toEqual([
      ['worker:job-started', '1'],
      ['worker:job-completed', '1'],
    ])
  })

  it('is deleted instead of archived where that is wanted', async () => {
    const { clock, queue, start } = await setup({
      handlers: { emails: () => {} },
      defaults: { onComplete: 'delete' },
    })
    queue.send('emails', { payload: 1 })
    await start()
    await clock.advance(0)
    expect(queue.messages('emails')).toEqual([])
    expect(queue.archive('emails')).toEqual([])
  })

  it('is done whatever its handler returns that is no outcome', async () => {
    const answers: unknown[] = [undefined, null, false, 0, 'retry', { kind: 'retry' }, []]
    const { clock, queue, start } = await setup({
      handlers: { emails: (job) => answers[Number(job.id) - 1] },
    })
    queue.send('emails', ...answers.map((_, index) => ({ payload: index })))
    await start()
    await clock.advance(0)
    expect(queue.archive('emails')).toHaveLength(answers.length)
  })

  it.each([
    ['a string', 'plain'],
    ['undefined', undefined],
    ['a frozen object', Object.freeze({})],
    ['a cyclic object', cyclic()],
    ['a huge error', new Error('x'.repeat(1_000_000))],
  ])('whose handler throws %s is retried with what can be stored of it', async (_what, thrown) => {
    const { clock, queue, start } = await setup({
      handlers: {
        emails: () => {
          throw thrown
        },
      },
    })
    queue.send('emails', { payload: 1 })
    await start()
    await clock.advance(0)
    const [message] = queue.messages('emails')
    expect(message?.headers?.[messageHeader.failures]).toBe(1)
    expect(JSON.stringify(message?.headers).length).toBeLessThan(9000)
  })

  it('that fails is tried again after its backoff, and counts its failures', async () => {
    const attempts: number[] = []
    const { bus, clock, queue, start } = await setup({
      handlers: {
        emails: (job) => {
          attempts.push(job.attempt)
          if (job.attempt < 3) throw new Error('not yet')
        },
      },
      defaults: { backoff: (failures) => failures * 1000 },
    })
    const retried = recordFacts(bus, 'worker:job-retried')
    queue.send('emails', { payload: 1 })
    await start()
    await clock.advance(0)
    expect(attempts).toEqual([1])
    await clock.advance(1100)
    expect(attempts).toEqual([1, 2])
    await clock.advance(2100)
    expect(attempts).toEqual([1, 2, 3])
    expect(retried.map(({ fact }) => [fact.cause, fact.delayMs, fact.error?.message])).toEqual([
      ['failed', 1000, 'not yet'],
      ['failed', 2000, 'not yet'],
    ])
    expect(queue.archive('emails')).toHaveLength(1)
  })

  it('that is out of attempts goes to its dead-letter queue', async () => {
    const { bus, clock, queue, start } = await setup({
      handlers: {
        emails: () => {
          throw new Error('never')
        },
      },
      defaults: { maxAttempts: 2, backoff: () => 10 },
    })
    const dead = recordFacts(bus, 'worker:job-dead-lettered')
    queue.send('emails', { payload: { to: 'a' } })
    await start()
    await clock.advance(500)
    expect(queue.messages('emails')).toEqual([])
    expect(queue.messages('emails_dlq')).toMatchObject([
      {
        payload: { to: 'a' },
        headers: { [messageHeader.failures]: 2, [messageHeader.lastError]: { message: 'never' } },
      },
    ])
    expect(dead[0]?.fact).toMatchObject({
      id: '1',
      attempt: 2,
      deadLetterQueue: 'emails_dlq',
      reason: 'out-of-attempts',
    })
  })

  it('decides by its outcome: retry, dead-letter, snooze', async () => {
    const { clock, queue, start } = await setup({
      handlers: {
        later: (job) => (job.attempt === 1 ? retry({ delaySeconds: 60, reason: 'busy' }) : undefined),
        never: () => deadLetter({ reason: 'no such customer' }),
        sleepy: (job) => (job.readCount === 1 ? snooze({ delaySeconds: 60 }) : undefined),
      },
    })
    for (const name of ['later', 'never', 'sleepy']) queue.send(name, { payload: 1 })
    await start()
    await clock.advance(0)
    expect(queue.messages('later')[0]?.headers).toMatchObject({
      [messageHeader.failures]: 1,
      [messageHeader.lastError]: { message: 'busy' },
    })
    expect(queue.messages('never_dlq')[0]?.headers).toMatchObject({
      [messageHeader.deadLetter]: { reason: 'no such customer' },
    })
    expect(queue.messages('sleepy')[0]?.headers).toEqual({ [messageHeader.snoozes]: 1 })
    await clock.advance(59_000)
    expect(queue.archive('later')).toHaveLength(0)
    await clock.advance(1500)
    expect(queue.archive('later')).toHaveLength(1)
    expect(queue.archive('sleepy')).toHaveLength(1)
  })

  it('whose payload the schema refuses is dead-lettered without being run', async () => {
    let runs = 0
    const emails = defineQueue('emails', {
      schema: z.object({ to: z.string(), copies: z.number().default(1) }),
    })
    const payloads: unknown[] = []
    const { bus, clock, queue, start } = await setup({
      handlers: {
        emails: defineHandler(emails, (job) => {
          runs++
          payloads.push(job.payload satisfies { to: string; copies: number })
        }),
      },
    })
    const dead = recordFacts(bus, 'worker:job-dead-lettered')
    queue.send('emails', { payload: { to: 7 } }, { payload: { to: 'a' } })
    await start()
    await clock.advance(0)
    expect(runs).toBe(1)
    expect(payloads).toEqual([{ to: 'a', copies: 1 }])
    expect(dead[0]?.fact).toMatchObject({
      reason: 'payload-refused',
      error: { message: expect.stringContaining('to:') },
    })
  })

  it('that crashed its worker too often is dead-lettered without being run', async () => {
    let runs = 0
    const { bus, clock, queue, start } = await setup({
      handlers: { emails: () => void runs++ },
      defaults: { maxCrashes: 3 },
    })
    const dead = recordFacts(bus, 'worker:job-dead-lettered')
    queue.send('emails', { payload: 1 })
    // Three workers read it and were never heard of again.
    for (let crash = 0; crash < 3; crash++) {
      await bus.request('queue:read', { queue: 'emails', count: 1, leaseMs: 1000 })
      await clock.advance(1001)
    }
    await start()
    await clock.advance(0)
    expect(runs).toBe(0)
    expect(dead[0]?.fact).toMatchObject({
      reason: 'out-of-crashes',
      error: { code: 'worker/crashed-too-often' },
    })
  })

  it('that crashed workers before runs alone, and its neighbours keep their budget', async () => {
    const hold = gate()
    const running: string[] = []
    const { bus, clock, queue, start } = await setup({
      handlers: {
        emails: async (job) => {
          running.push(job.id)
          await hold.promise
        },
      },
    })
    queue.send('emails', ...Array.from({ length: 5 }, (_, index) => ({ payload: index })))
    for (let crash = 0; crash < 2; crash++) {
      await bus.request('queue:read', { queue: 'emails', count: 5, leaseMs: 1000 })
      await clock.advance(1001)
    }
    await start()
    await clock.advance(0)
    expect(running).toHaveLength(1)
    const waiting = queue.messages('emails').filter((message) => !running.includes(message.id))
    expect(waiting.map((message) => message.headers?.[messageHeader.releases])).toEqual([1, 1, 1, 1])
    hold.resolve()
    await clock.advance(1000)
    expect(queue.archive('emails')).toHaveLength(5)
  })
})

function cyclic(): object {
  const value: { self?: object } = {}
  value.self = value
  return value
}

describe('a settlement', () => {
  it('whose answer leaves open what is left in the queue is followed by a read at once', async () => {
    const { bus, clock, queue, start } = await setup({
      handlers: { emails: () => {} },
      defaults: { concurrency: 1, maxPrefetch: 0 },
    })
    intercept(bus, (name, input: { read?: unknown }, pass) => {
      if (name === 'queue:settle') delete input.read
      return pass()
    })
    queue.send('emails', { payload: 1 }, { payload: 2 }, { payload: 3 })
    await start()
    await clock.advance(0)
    expect(queue.archive('emails')).toHaveLength(3)
  })
})
