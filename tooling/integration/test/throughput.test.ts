import { createBus } from '@aimq/events'
import { nextFact } from '@aimq/events/testing'
import { queue } from '@aimq/queue'
import { worker } from '@aimq/worker'
import { expect, it } from 'vitest'
import { createDatabase } from '../harness/database.ts'

it('two workers on 10,000 jobs complete each exactly once', async () => {
  await using database = await createDatabase()
  const runs = new Map<string, number>()
  const handlers = { bulk: ({ id }: { id: string }) => void runs.set(id, (runs.get(id) ?? 0) + 1) }
  const start = async () => {
    const bus = createBus()
    await bus.use(queue({ connectionString: database.url }))
    return bus
  }
  await using first = await start()
  await using second = await start()
  await first.request('queue:create', { queue: 'bulk' })
  const messages = Array.from({ length: 10_000 }, (_, n) => ({ payload: { n } }))
  const { ids } = await first.request('queue:send', { queue: 'bulk', messages })
  await Promise.all([first.use(worker({ handlers })), second.use(worker({ handlers }))])
  const answers = await Promise.all([first.request('worker:drain', {}), second.request('worker:drain', {})])

  expect(runs.size).toBe(ids.length)
  expect([...runs.values()].every((count) => count === 1)).toBe(true)
  expect(answers.reduce((sum, { completed }) => sum + completed, 0)).toBe(10_000)
  const { rows } = await database.query(
    'select count(*)::int as archived, count(distinct msg_id)::int as ids from pgmq.a_bulk',
  )
  expect(rows).toEqual([{ archived: 10_000, ids: 10_000 }])
})

it('a delayed job starts at its due time, not at the next poll, once the worker knows of it', async () => {
  await using database = await createDatabase()
  await using bus = createBus()
  await bus.use(queue({ connectionString: database.url }))
  await bus.request('queue:create', { queue: 'delayed' })
  // Polls so rarely that only the due-time timer can explain a start in time.
  await bus.use(worker({ handlers: { delayed: () => {} }, pollIntervalMs: 60_000 }))
  await nextFact(bus, 'worker:queue-idled')
  const started = nextFact(bus, 'worker:job-started')
  await bus.request('queue:send', { queue: 'delayed', messages: [{ payload: {}, delayMs: 1500 }] })
  // By the database's clock, from due to read. Generous for a busy machine; the poll would take a minute.
  expect((await started).waitedMs).toBeLessThan(500)
})

it('a job sent by anybody else is found by polling, without a wake-up', async () => {
  await using database = await createDatabase()
  await using bus = createBus()
  await bus.use(queue({ connectionString: database.url }))
  await bus.request('queue:create', { queue: 'polled' })
  await bus.use(worker({ handlers: { polled: () => {} } }))
  await nextFact(bus, 'worker:queue-idled')
  const completed = nextFact(bus, 'worker:job-completed')
  await database.query(`select pgmq.send('polled', '{"from": "plain SQL"}'::jsonb)`)
  expect(await completed).toMatchObject({ queue: 'polled', attempt: 1 })
})
