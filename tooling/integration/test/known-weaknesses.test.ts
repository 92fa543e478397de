/*
 * What went wrong in the Python project of the same name, as far as it concerns queue and worker, each as a test on a
 * real PostgreSQL with genuine pgmq. What the wake-up loop promises under every order of events is in
 * `packages/worker/test/wake-loop.model.test.ts`; the app's logs and Dockerfile are tested beside the app.
 */
import { type Bus, createBus, silentLogger } from '@aimq/events'
import { nextFact, recordFacts } from '@aimq/events/testing'
import { createQueueClient, queue } from '@aimq/queue'
import { deadLetter, type Handlers, type QueuePolicy, worker } from '@aimq/worker'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

interface Setup {
  readonly handlers: Handlers
  readonly defaults?: QueuePolicy
  readonly pollIntervalMs?: number
  readonly gracePeriodMs?: number
}

/** Queues created and a worker on them, gone when the test ends. */
async function setup(options: Setup): Promise<Bus> {
  const bus = createBus({ logger: silentLogger })
  onTestFinished(() => bus.stop({ signal: AbortSignal.abort() }))
  await bus.use(queue({ connectionString: database.url }))
  for (const name of Object.keys(options.handlers)) await bus.request('queue:create', { queue: name })
  await bus.use(worker(options))
  return bus
}
const send = (bus: Bus, name: string, ...payloads: unknown[]) =>
  bus.request('queue:send', { queue: name, messages: payloads.map((payload) => ({ payload })) })
const rows = async (sql: string) => (await database.query(sql)).rows

describe('weaknesses of the Python project', () => {
  it('1, 3: a message sent while the worker looks is not slept over, and no sleep step delays it', async () => {
    // With an hour between polls only the hint explains a start.
    const bus = await setup({ handlers: { w1: () => {} }, pollIntervalMs: 3_600_000 })
    await nextFact(bus, 'worker:queue-idled')
    for (let round = 0; round < 50; round++) {
      const completed = nextFact(bus, 'worker:job-completed')
      await send(bus, 'w1', round)
      await completed
    }
  })

  it('2: a handler that returns nothing, and a dead letter, do not count as «no job»', async () => {
    const bus = await setup({
      handlers: { w2: ({ id }) => (Number(id) % 2 ? undefined : deadLetter({ reason: 'even' })) },
      pollIntervalMs: 3_600_000,
    })
    await send(bus, 'w2', ...Array.from({ length: 40 }, (_, n) => n))
    await bus.request('worker:drain', {})
    expect(
      await rows(
        'select count(*)::int as n from pgmq.a_w2 union all select count(*)::int from pgmq.q_w2_dlq',
      ),
    ).toEqual([{ n: 20 }, { n: 20 }])
  })

  it('4: a long job of one queue does not hold up another queue, nor its own', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const bus = await setup({
      handlers: { w4_long: ({ payload }) => (payload === 'long' ? promise : undefined), w4: () => {} },
    })
    const started = nextFact(bus, 'worker:job-started', (fact) => fact.queue === 'w4_long')
    await send(bus, 'w4_long', 'long')
    await started
    const others = [
      nextFact(bus, 'worker:job-completed', (fact) => fact.queue === 'w4'),
      nextFact(bus, 'worker:job-completed', (fact) => fact.queue === 'w4_long'),
    ]
    await send(bus, 'w4', 1)
    await send(bus, 'w4_long', 'short')
    await Promise.all(others)
    resolve()
  })

  it('5: failures of one queue put no other to sleep', async () => {
    const handlers = {
      w5_bad: () => {
        throw new Error('always')
      },
      w5: () => {},
    }
    const bus = await setup({ handlers, defaults: { backoff: () => 3_600_000 } })
    const retried = nextFact(bus, 'worker:job-retried')
    await send(bus, 'w5_bad', ...Array.from({ length: 30 }, (_, n) => n))
    await retried
    const completed = nextFact(bus, 'worker:job-completed', (fact) => fact.queue === 'w5')
    await send(bus, 'w5', 1)
    await completed
  })

  it('6: a failed job is retried after its backoff, not when its lease would have ended', async () => {
    const handlers = {
      w6: ({ attempt }: { attempt: number }) => {
        if (attempt === 1) throw new Error('once')
      },
    }
    const bus = await setup({ handlers, defaults: { leaseMs: 300_000, backoff: () => 100 } })
    const completed = nextFact(bus, 'worker:job-completed')
    await send(bus, 'w6', 1)
    expect(await completed).toMatchObject({ attempt: 2 })
  })

  it('7: a job longer than its lease runs once, and a timeout aborts it', async () => {
    let runs = 0
    const { promise, resolve } = Promise.withResolvers<void>()
    const bus = await setup({
      handlers: {
        w7: async () => {
          runs++
          await promise
        },
      },
      // As short as a busy machine renews in time.
      defaults: { leaseMs: 3000 },
    })
    const started = nextFact(bus, 'worker:job-started')
    await send(bus, 'w7', 1)
    await started
    // Five leases long, by the database's clock.
    await rows('select pg_sleep(15)')
    const completed = nextFact(bus, 'worker:job-completed')
    resolve()
    await completed
    expect(runs).toBe(1)

    const slow = await setup({
      handlers: {
        w7_slow: (job) =>
          new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason))),
      },
      defaults: { timeoutMs: 100 },
    })
    const retried = nextFact(slow, 'worker:job-retried')
    await send(slow, 'w7_slow', 1)
    expect(await retried).toMatchObject({ cause: 'timed-out' })
  })

  it('8: a dead letter is moved by one statement, so that no crash leaves it twice or nowhere', async () => {
    const bus = await setup({ handlers: { w8: () => {} }, pollIntervalMs: 3_600_000 })
    await bus.request('worker:pause', {})
    await send(bus, 'w8', { n: 1 })
    const { messages } = await bus.request('queue:read', { queue: 'w8', count: 1, leaseMs: 60_000 })
    const [message] = messages
    if (message === undefined) throw new Error('expected a message')
    // The dead-letter queue refuses the message: it must still be in the queue.
    await bus.request('queue:create', { queue: 'w8_dlq' })
    await rows(`alter table pgmq.q_w8_dlq add constraint closed check (false) not valid`)
    const { id, readCount, enqueuedAt } = message
    const settlement = {
      id,
      readCount,
      enqueuedAt,
      action: 'dead-letter' as const,
      deadLetterQueue: 'w8_dlq',
      reason: 'test',
    }
    await expect(bus.request('queue:settle', { queue: 'w8', settlements: [settlement] })).rejects.toThrow()
    expect(
      await rows(
        'select (select count(*)::int from pgmq.q_w8) as here, (select count(*)::int from pgmq.q_w8_dlq) as there',
      ),
    ).toEqual([{ here: 1, there: 0 }])
    await rows(`alter table pgmq.q_w8_dlq drop constraint closed`)
    expect(await bus.request('queue:settle', { queue: 'w8', settlements: [settlement] })).toEqual({
      lost: [],
    })
    expect(
      await rows(
        'select (select count(*)::int from pgmq.q_w8) as here, (select count(*)::int from pgmq.q_w8_dlq) as there',
      ),
    ).toEqual([{ here: 0, there: 1 }])
  })

  it('9: a settlement that fails is tried again, and the job is not run twice', async () => {
    let runs = 0
    const bus = await setup({ handlers: { w9: () => void runs++ }, defaults: { leaseMs: 60_000 } })
    await rows(`alter table pgmq.a_w9 add constraint closed check (false) not valid`)
    const unavailable = nextFact(bus, 'worker:queue-paused')
    await send(bus, 'w9', 1)
    await unavailable
    const completed = nextFact(bus, 'worker:job-completed')
    await rows(`alter table pgmq.a_w9 drop constraint closed`)
    await completed
    expect(runs).toBe(1)
  })

  it('10: crashes and deploys spend no attempts', async () => {
    const attempts: number[] = []
    const bus = await setup({
      handlers: { w10: ({ attempt }) => void attempts.push(attempt) },
      defaults: { maxAttempts: 1 },
    })
    await bus.request('worker:pause', {})
    await send(bus, 'w10', 1)
    // Two deliveries that nobody accounts for.
    for (let crash = 0; crash < 2; crash++) {
      const { messages } = await bus.request('queue:read', { queue: 'w10', count: 1, leaseMs: 1 })
      expect(messages).toHaveLength(1)
      await rows('select pg_sleep(0.01)')
    }
    await bus.request('worker:resume', {})
    await bus.request('worker:drain', {})
    expect(attempts).toEqual([1])
  })

  it('17, 27: names that SQL would have to quote or fold never reach it', async () => {
    await using client = createQueueClient({ connectionString: database.url })
    for (const name of ['MyQ', "a'; drop table pgmq.meta; --", 'a"b', 'é'.repeat(47)]) {
      await expect(client.create(name)).rejects.toMatchObject({ code: 'events/invalid-queue-name' })
      await expect(client.send(name, {})).rejects.toMatchObject({ code: 'events/invalid-queue-name' })
    }
  })

  it('23: stopping is bounded by the grace period, whatever the handlers do', async () => {
    const bus = await setup({ handlers: { w23: () => new Promise(() => {}) }, gracePeriodMs: 100 })
    const released = recordFacts(bus, 'worker:job-released')
    const started = nextFact(bus, 'worker:job-started')
    await send(bus, 'w23', 1)
    await started
    await bus.stop()
    expect(released).toHaveLength(1)
    expect(await rows('select vt <= clock_timestamp() as ready from pgmq.q_w23')).toEqual([{ ready: true }])
  })

  it('25: looking at messages does not count as reading them', async () => {
    await using client = createQueueClient({ connectionString: database.url })
    await client.create('w25')
    await client.send('w25', { n: 1 })
    expect(await client.peek('w25')).toMatchObject([{ readCount: 0, payload: { n: 1 } }])
    expect(await rows('select read_ct, vt <= clock_timestamp() as ready from pgmq.q_w25')).toEqual([
      { read_ct: 0, ready: true },
    ])
  })

  it('30: many jobs are settled by few statements', async () => {
    const bus = await setup({ handlers: { w30: () => {} } })
    const settles: number[] = []
    const request = bus.request.bind(bus)
    bus.request = (name, input, options) => {
      if (name === 'queue:settle') settles.push(1)
      return request(name, input, options)
    }
    await send(bus, 'w30', ...Array.from({ length: 1000 }, (_, n) => n))
    await bus.request('worker:drain', {})
    expect(settles.length).toBeLessThan(100)
  })

  it('31: any queue can be sent to, worked here or not', async () => {
    const bus = await setup({ handlers: { w31: () => {} } })
    await bus.request('queue:create', { queue: 'w31_elsewhere' })
    expect((await send(bus, 'w31_elsewhere', 1)).ids).toHaveLength(1)
  })
})
