import { messageHeader } from '@aimq/events'
import { recordFacts } from '@aimq/events/testing'
import { describe, expect, it } from 'vitest'
import type { Job } from '../src/index.ts'
import { gate, setup } from './setup.ts'

describe('a lease', () => {
  it('is renewed while the job runs, however long', async () => {
    const hold = gate()
    let runs = 0
    const { clock, queue, start } = await setup({
      handlers: {
        long: async () => {
          runs++
          await hold.promise
        },
      },
      defaults: { leaseMs: 3000 },
    })
    queue.send('long', { payload: 1 })
    await start()
    await clock.advance(60_000)
    expect(runs).toBe(1)
    expect(queue.messages('long')[0]?.readCount).toBe(1)
    hold.resolve()
    await clock.advance(100)
    expect(queue.archive('long')).toHaveLength(1)
  })

  it('that somebody else took over aborts the job, whose end then changes nothing', async () => {
    const hold = gate()
    let job: Job | undefined
    const { bus, clock, queue, start } = await setup({
      handlers: {
        long: async (given) => {
          job ??= given
          await hold.promise
          throw new Error('late')
        },
      },
      defaults: { leaseMs: 3000, concurrency: 1 },
    })
    const lost = recordFacts(bus, 'worker:lease-lost')
    queue.send('long', { payload: 1 })
    await start()
    await clock.advance(0)
    expect(job?.signal.aborted).toBe(false)
    // Another worker read it: the fence has moved on.
    const message = queue.messages('long')[0] as { readCount: number; visibleAt: number }
    message.readCount++
    message.visibleAt = clock.now() + 60_000
    await clock.advance(1100)
    expect(job?.signal.aborted).toBe(true)
    expect(job?.signal.reason).toMatchObject({ code: 'worker/lease-lost' })
    expect(lost).toHaveLength(1)
    hold.resolve()
    await clock.advance(100)
    expect(queue.messages('long')[0]?.headers).toBeNull()
    expect(lost).toHaveLength(1)
    expect(queue.asked.get('queue:settle')).toBeUndefined()
  })

  it('that the database forgot in a crash is taken anew, and the job goes on', async () => {
    const hold = gate()
    const jobs: Job[] = []
    const { bus, clock, queue, start } = await setup({
      handlers: {
        long: async (job) => {
          jobs.push(job)
          await hold.promise
        },
      },
      defaults: { leaseMs: 30_000, concurrency: 2 },
    })
    const lost = recordFacts(bus, 'worker:lease-lost')
    queue.send('long', { payload: 1 })
    await start()
    await clock.advance(0)
    const message = queue.messages('long')[0] as { readCount: number; visibleAt: number }
    message.readCount--
    message.visibleAt = clock.now()
    await clock.advance(3000)
    expect(message.readCount).toBe(1)
    hold.resolve()
    await clock.advance(100)
    expect(jobs.map(({ signal }) => signal.aborted)).toEqual([false])
    expect(lost).toEqual([])
    expect(queue.messages('long')).toEqual([])
  })

  it('that cannot be renewed is given up before it ends', async () => {
    const hold = gate()
    let job: Job | undefined
    const { clock, queue, start } = await setup({
      handlers: {
        long: async (given) => {
          job ??= given
          await hold.promise
        },
      },
      defaults: { leaseMs: 4000 },
    })
    queue.send('long', { payload: 1 })
    await start()
    await clock.advance(0)
    const visibleAt = queue.messages('long')[0]?.visibleAt ?? 0
    queue.failWith = new Error('the database does not answer')
    await clock.advance(2900)
    expect(job?.signal.aborted).toBe(false)
    await clock.advance(150)
    expect(job?.signal.aborted).toBe(true)
    expect(clock.now()).toBeLessThan(visibleAt)
    queue.failWith = undefined
    hold.resolve()
  })
})

describe('a handler', () => {
  it('that runs too long is aborted, and its try counts as failed', async () => {
    const { bus, clock, queue, start } = await setup({
      handlers: {
        slow: (job) =>
          new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason))),
      },
      defaults: { timeoutMs: 500 },
    })
    const retried = recordFacts(bus, 'worker:job-retried')
    queue.send('slow', { payload: 1 })
    await start()
    await clock.advance(600)
    expect(retried[0]?.fact).toMatchObject({ cause: 'timed-out', error: { code: 'worker/timed-out' } })
    expect(queue.messages('slow')[0]?.headers?.[messageHeader.failures]).toBe(1)
  })

  it('that never settles loses its slot, and its job is retried', async () => {
    let runs = 0
    const { bus, clock, queue, start, lines } = await setup({
      handlers: { stuck: () => (++runs === 1 ? new Promise(() => {}) : undefined) },
      defaults: { timeoutMs: 500, concurrency: 1, backoff: () => 1000 },
      abortGraceMs: 200,
    })
    const retried = recordFacts(bus, 'worker:job-retried')
    queue.send('stuck', { payload: 1 })
    await start()
    await clock.advance(800)
    expect(retried[0]?.fact).toMatchObject({ cause: 'timed-out' })
    expect(lines.some(({ level, message }) => level === 'warn' && message.includes('does not heed'))).toBe(
      true,
    )
    await clock.advance(1200)
    expect(runs).toBe(2)
    expect(queue.archive('stuck')).toHaveLength(1)
  })

  it('that finishes after its signal was aborted is done all the same', async () => {
    const { clock, queue, start } = await setup({
      handlers: {
        slow: (job) => new Promise<void>((resolve) => job.signal.addEventListener('abort', () => resolve())),
      },
      defaults: { timeoutMs: 500 },
    })
    queue.send('slow', { payload: 1 })
    await start()
    await clock.advance(600)
    expect(queue.archive('slow')).toHaveLength(1)
  })
})
