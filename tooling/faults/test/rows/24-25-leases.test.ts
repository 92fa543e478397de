import { nextFact } from '@aimq/events/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../integration/harness/database.ts'
import { startTcpProxy } from '../../harness/tcp-proxy.ts'
import { startWorkerBus } from '../../harness/worker-bus.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

it('row 24: a lease that cannot be renewed is given up before a peer can have it', async () => {
  const leaseMs = 3000
  await using proxy = await startTcpProxy(database.url)
  const aborted = Promise.withResolvers<{ at: number; code: unknown }>()
  await startWorkerBus({
    url: proxy.url,
    queueClient: { queryTimeoutMs: 1000 },
    defaults: { leaseMs },
    handlers: {
      stalled: ({ signal }) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            aborted.resolve({ at: performance.now(), code: signal.reason.code })
            resolve()
          })
        }),
    },
  }).then(async (bus) => {
    const started = nextFact(bus, 'worker:job-started')
    await database.query(`select pgmq.send('stalled', '1')`)
    await started
  })
  const peer = await startWorkerBus({
    url: database.url,
    handlers: { stalled: () => {} },
    defaults: { leaseMs },
  })
  const again = nextFact(peer, 'worker:job-started', () => true, 20_000).then(() => performance.now())
  proxy.delay(2 * leaseMs)
  const lost = await aborted.promise
  expect(lost.code).toBe('worker/lease-lost')
  expect(lost.at).toBeLessThan(await again)
})

it('row 25: twenty workers at each single job: every job is run once', async () => {
  const runs = new Map<string, number>()
  const arrived = new Map<string, () => void>()
  const handler = ({ id }: { id: string }) => {
    runs.set(id, (runs.get(id) ?? 0) + 1)
    arrived.get(id)?.()
  }
  const buses = await Promise.all(
    Array.from({ length: 20 }, () =>
      startWorkerBus({
        url: database.url,
        queueClient: { maxConnections: 1 },
        handlers: { single: handler },
        safetyPollIntervalMs: 500,
      }),
    ),
  )
  for (let n = 0; n < 1000; n++) {
    const { rows } = await database.query(`select pgmq.send('single', '1') as id`)
    const id = String(rows[0].id)
    const started = new Promise<void>((resolve) => void arrived.set(id, resolve))
    for (const bus of buses) bus.emit('job:enqueued', { queue: 'single', source: 'test' })
    if (!runs.has(id)) await started
  }
  await Promise.all(buses.map((bus) => bus.stop()))
  expect(runs.size).toBe(1000)
  expect([...runs.values()].filter((count) => count > 1)).toEqual([])
})
