import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nextFact } from '@aimq/events/testing'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../integration/harness/database.ts'
import { startTcpProxy, type TcpProxy } from '../../harness/tcp-proxy.ts'
import { becomes, startWorkerBus } from '../../harness/worker-bus.ts'
import { startWorkerProcess } from '../../harness/worker-process.ts'

let database: TestDatabase
let proxy: TcpProxy
beforeAll(async () => {
  database = await createDatabase()
  proxy = await startTcpProxy(database.url)
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})
beforeEach(() => proxy.heal())

const send = (queue: string) =>
  database.query(
    `select pgmq.send($1, '1'), pg_notify('aimq:jobs', json_build_object('queue', $1::text)::text)`,
    [queue],
  )

it('row 08: a LISTEN session that is only half there is found out within 20 s; until then jobs start within 33 s, then within 1.5 s', async () => {
  const bus = await startWorkerBus({
    url: database.url,
    handlers: { half_open: () => {} },
    realtime: { listen: proxy.url },
  })
  const degraded = becomes(bus, 'degraded')
  const before = performance.now()
  expect(proxy.blackHole({ says: 'listen "' })).toBe(1)
  // Nobody can be opened in its place, so that what follows is not the reconnect's doing.
  proxy.refuse(true)
  const undetected = nextFact(bus, 'worker:job-completed', () => true, 33_500)
  await send('half_open')
  await degraded
  expect(performance.now() - before).toBeLessThan(20_500)
  await undetected
  expect(performance.now() - before).toBeLessThan(33_000)
  for (let round = 0; round < 3; round++) {
    const started = nextFact(bus, 'worker:job-started')
    const sentAt = performance.now()
    await send('half_open')
    await started
    expect(performance.now() - sentAt).toBeLessThan(1500)
  }
})

it('row 09: a terminated LISTEN session is back within 2 s, and a job sent in the gap starts within half a second of that', async () => {
  const bus = await startWorkerBus({
    url: database.url,
    handlers: { gap: () => {} },
    pollIntervalMs: 3_600_000,
    safetyPollIntervalMs: 3_600_000,
    realtime: { listen: database.url },
  })
  const lost = nextFact(bus, 'realtime:path-lost')
  const connected = nextFact(bus, 'realtime:path-connected').then(() => performance.now())
  const started = nextFact(bus, 'worker:job-started').then(() => performance.now())
  await database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aimq listen' and datname = current_database()`,
  )
  await lost
  const lostAt = performance.now()
  await send('gap')
  const connectedAt = await connected
  expect(connectedAt - lostAt).toBeLessThan(2000)
  expect((await started) - connectedAt).toBeLessThan(500)
})

it('row 11: a LISTEN that fails at once is tried again less than three times a second, and costs no time', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aimq-faults-'))
  const ledger = join(folder, 'ledger')
  await writeFile(ledger, '')
  await database.query(`select pgmq.create('refused')`)
  await using worker = await startWorkerProcess({
    url: database.url,
    queue: 'refused',
    ledger,
    realtime: { listen: proxy.url },
  })
  proxy.refuse(true)
  proxy.reset()
  await new Promise((resolve) => setTimeout(resolve, 2000))
  const [refusedBefore, before] = [proxy.refused, await worker.health()]
  const seconds = 10
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const [refused, after] = [proxy.refused, await worker.health()]
  expect(refused - refusedBefore).toBeGreaterThan(0)
  expect((refused - refusedBefore) / seconds).toBeLessThan(3)
  // Asking for the second report is part of it.
  expect((after.cpuMs - before.cpuMs) / seconds / 1000).toBeLessThan(0.05)
  worker.kill('SIGTERM')
  expect(await worker.exited).toEqual([0, null])
  await rm(folder, { recursive: true })
})
