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
  let crashed: Promise<void> | undefined
  const handler = async ({ id }: { id: string }) => {
    runs.set(id, (runs.get(id) ?? 0) + 1)
    if (runs.size === 150) crashed ??= server.crash()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await bus.use(worker({ handlers: { durable: handler }, defaults: { leaseMs: 2000, concurrency: 10 } }))
  await nextFact(bus, 'worker:queue-resumed', () => true, 30_000)
  await crashed
  await bus.request('worker:drain', {})
  await bus.stop()

  expect(facts.map(({ name }) => name)).toEqual(['worker:queue-paused', 'worker:queue-resumed'])
  expect([...runs.keys()].sort()).toEqual([...ids].sort())
  await using client = createQueueClient({ connectionString: server.url })
  expect(await client.metrics('durable')).toMatchObject({ total: 0, archived: ids.length })
})
