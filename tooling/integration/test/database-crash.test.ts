import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '@aimq/embedded'
import { createBus, silentLogger } from '@aimq/events'
import { nextFact, recordFacts } from '@aimq/events/testing'
import { createQueueClient, queue } from '@aimq/queue'
import { worker } from '@aimq/worker'
import pg from 'pg'
import { expect, it } from 'vitest'

it('a crash of PostgreSQL loses no job, and the worker goes on by itself', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'aimq-db-crash-'))
  // A server of its own: the crash must not hit the other tests. Durable, because that is what is tested.
  await using server = await startEmbedded({ dataDir, temporary: true })
  const runs = new Map<string, number>()
  const bus = createBus({ logger: silentLogger })
  await bus.use(queue({ connectionString: server.connectionString }))
  await bus.request('queue:create', { queue: 'durable' })
  const { ids } = await bus.request('queue:send', {
    queue: 'durable',
    messages: Array.from({ length: 300 }, (_, n) => ({ payload: { n } })),
  })
  const facts = recordFacts(bus, 'worker:queue-paused', 'worker:queue-resumed')
  let crashed: Promise<void> | undefined
  const handler = async ({ id }: { id: string }) => {
    runs.set(id, (runs.get(id) ?? 0) + 1)
    if (runs.size === 150) crashed ??= crash(server.connectionString)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await bus.use(worker({ handlers: { durable: handler }, defaults: { leaseMs: 2000, concurrency: 10 } }))
  await nextFact(bus, 'worker:queue-resumed', () => true, 30_000)
  await crashed
  await bus.request('worker:drain', {})
  await bus.stop()

  expect(facts.map(({ name }) => name)).toEqual(['worker:queue-paused', 'worker:queue-resumed'])
  expect([...runs.keys()].sort()).toEqual([...ids].sort())
  await using client = createQueueClient({ connectionString: server.connectionString })
  expect(await client.metrics('durable')).toMatchObject({ total: 0, archived: ids.length })
  await rm(dataDir, { recursive: true, force: true })
})

/** SIGKILL of one backend: PostgreSQL drops every connection and recovers from its log. */
async function crash(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  client.on('error', () => {})
  await client.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  process.kill(Number(rows[0]?.pid), 'SIGKILL')
  await client.end().catch(() => {})
}
