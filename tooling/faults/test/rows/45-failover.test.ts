import { nextFact } from '@aimq/events/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PostgresServer, startPostgresServer } from '../../harness/postgres-server.ts'
import { startTcpProxy } from '../../harness/tcp-proxy.ts'
import { becomes, startWorkerBus } from '../../harness/worker-bus.ts'

let old: PostgresServer
let promoted: PostgresServer
beforeAll(async () => {
  old = await startPostgresServer()
  promoted = await startPostgresServer()
})
afterAll(async () => {
  await old[Symbol.asyncDispose]()
  await promoted[Symbol.asyncDispose]()
})

it('row 45: the database takes no writes for a while: worked again within 10 s of the flip back', async () => {
  const bus = await startWorkerBus({ url: old.url, handlers: { flipped: () => {} } })
  await nextFact(bus, 'worker:queue-idled')
  await old.query('alter system set default_transaction_read_only = on')
  const paused = nextFact(bus, 'worker:queue-paused')
  await old.query('select pg_reload_conf()')
  expect((await paused).message).toMatch(/takes no writes/)
  await new Promise((resolve) => setTimeout(resolve, 5000))
  await old.query('alter system reset default_transaction_read_only')
  const flippedAt = performance.now()
  await old.query('select pg_reload_conf()')
  const completed = nextFact(bus, 'worker:job-completed')
  await old.query(`set default_transaction_read_only = off; select pgmq.send('flipped', '1')`)
  await completed
  expect(performance.now() - flippedAt).toBeLessThan(10_000)
})

it('row 45: a failover: worked on within 10 s; a LISTEN session left on the old primary is found out, and moves', async () => {
  await using proxy = await startTcpProxy(old.url)
  await promoted.query(`select pgmq.create('moved')`)
  const bus = await startWorkerBus({
    url: proxy.url,
    handlers: { moved: () => {} },
    realtime: { listen: proxy.url },
  })
  // The old primary lives on, without writes, with our session; whoever connects anew meets the new one.
  const failedOverAt = performance.now()
  proxy.lead(promoted.url)
  await old.query('alter system set default_transaction_read_only = on')
  await old.query('select pg_reload_conf()')
  const resumed = nextFact(bus, 'worker:queue-resumed', () => true, 35_000)
  bus.emit('job:enqueued', { queue: 'moved', source: 'test' })
  await resumed
  const resumedAt = performance.now()
  expect(resumedAt - failedOverAt).toBeLessThan(10_000)
  await becomes(bus, 'degraded', 10_000)
  await becomes(bus, 'healthy', 10_000)
  expect(performance.now() - resumedAt).toBeLessThan(10_000)
  const started = nextFact(bus, 'worker:job-started')
  const sentAt = performance.now()
  await promoted.query(`select pgmq.send('moved', '1'), pg_notify('aimq:jobs', '{"queue":"moved"}')`)
  await started
  expect(performance.now() - sentAt).toBeLessThan(1000)
})
