import { createBus, silentLogger } from '@aimq/events'
import { nextFact, recordFacts } from '@aimq/events/testing'
import { createQueueClient, queue } from '@aimq/queue'
import { worker } from '@aimq/worker'
import { expect, it } from 'vitest'
import { startPostgresServer } from '../harness/postgres-server.ts'

it('a crash of PostgreSQL loses no job, and the worker goes on by itself', async () => {
  await using server = await startPostgresServer()
  const runs = new Map<string, number>()
  const bus = createBus({ logger: silentLogger })
  await bus.use(queue({ connectionString: server.url }))
  await bus.request('queue:create', { queue: 'durable' })
  const { ids } = await bus.request('queue:send', {
    queue: 'durable',
    messages: Array.from({ length: 300 }, (_, n) => ({ payload: { n } })),
  })
  const facts = recordFacts(bus, 'worker:queue-paused', 'worker:queue-resumed')
  const paused = nextFact(bus, 'worker:queue-paused', () => true, 30_000)
  let crashed: Promise<boolean> | undefined
  const handler = async ({ id }: { id: string }) => {
    runs.set(id, (runs.get(id) ?? 0) + 1)
    if (runs.size === 150) crashed ??= server.crash()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await bus.use(worker({ handlers: { durable: handler }, defaults: { leaseMs: 2000, concurrency: 10 } }))
  await paused
  await crashed
  await bus.request('worker:drain', {})
  await bus.stop()

  // With two statements under way the one may be answered after the other has failed: paused, resumed, and paused again.
  const told = facts.map(({ name }) => name)
  expect(told).toEqual(told.map((_, n) => (n % 2 === 0 ? 'worker:queue-paused' : 'worker:queue-resumed')))
  expect(told.at(-1)).toBe('worker:queue-resumed')
  expect([...runs.keys()].sort()).toEqual([...ids].sort())
  await using client = createQueueClient({ connectionString: server.url })
  expect(await client.metrics('durable')).toMatchObject({ total: 0, archived: ids.length })
})
