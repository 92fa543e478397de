import { startRealtime } from '@aimq/embedded'
import { createBus, silentLogger } from '@aimq/events'
import { queue } from '@aimq/queue'
import { realtime } from '@aimq/realtime'
import { worker } from '@aimq/worker'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../integration/harness/database.ts'
import { eventually } from '../../harness/eventually.ts'
import { startTcpProxy } from '../../harness/tcp-proxy.ts'
import { becomes, startWorkerBus } from '../../harness/worker-bus.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
  await database.query(`select pgmq.create('storm')`)
})
afterAll(() => database[Symbol.asyncDispose]())

const sessions = async () =>
  Number(
    (
      await database.query(
        `select count(*) from pg_stat_activity where datname = current_database() and application_name like 'aimq%'`,
      )
    ).rows[0].count,
  )
const resources = () => process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate').length

it('row 49: five hundred starts and stops at once reject nothing that was not stopped, and leave nothing behind', async () => {
  const bus = createBus({ logger: silentLogger })
  const connectionString = database.url
  const services = [
    await bus.use(queue({ connectionString, maxConnections: 2 })),
    await bus.use(worker({ handlers: { storm: () => {} } })),
    await bus.use(realtime({ listen: connectionString })),
  ]
  await bus.stop()
  await eventually(async () => (await sessions()) === 0, 'no session is left')
  const before = resources()
  const rejections: unknown[] = []
  const odd = (reason: { code?: string }) => {
    // A start that a stop overtook says so.
    if (reason.code !== 'events/start-aborted' && reason.code !== 'worker/no-queue') rejections.push(reason)
  }
  await Promise.all(
    Array.from({ length: 10 }, async (_, n) => {
      for (let round = 0; round < 50; round++) {
        const order = (round + n) % 2 === 0 ? services : [...services].reverse()
        await Promise.all(
          order.map((service) => ((round + n) % 3 === 0 ? service.stop() : service.start()).catch(odd)),
        )
      }
    }),
  )
  for (const service of [...services].reverse()) await service.stop()
  expect(rejections).toEqual([])
  await eventually(async () => (await sessions()) === 0, 'no session is left')
  await eventually(() => resources() <= before, 'no timer and no socket is left', 10_000)
})

it('row 49: a stop does not wait for a network that is dead', async () => {
  await using proxy = await startTcpProxy(database.url)
  const bus = await startWorkerBus({
    url: proxy.url,
    queueClient: { queryTimeoutMs: 2000 },
    handlers: { storm: () => {} },
    realtime: { listen: proxy.url },
  })
  proxy.blackHole()
  const before = performance.now()
  await bus.stop()
  expect(performance.now() - before).toBeLessThan(3000)
})

it('row 49: nor for one that is dead on the way to Realtime and to the database that sends to it', async () => {
  await using server = await startRealtime({ connectionString: database.url })
  await using proxy = await startTcpProxy(database.url)
  const bus = createBus({ logger: silentLogger })
  const healthy = becomes(bus, 'healthy')
  const { url, serviceRoleKey: key } = server
  await bus.use(realtime({ supabase: { url, key, connectionString: proxy.url, canaryIntervalMs: 200 } }))
  await healthy
  proxy.blackHole()
  server.hooks.freeze()
  // By now a canary is on its way into the dark.
  await new Promise((resolve) => setTimeout(resolve, 500))
  const before = performance.now()
  await bus.stop()
  expect(performance.now() - before).toBeLessThan(1000)
})

it('row 49: nor does a stop in the middle of connecting', async () => {
  await using proxy = await startTcpProxy(database.url)
  const bus = createBus({ logger: silentLogger })
  proxy.delay(60_000)
  await bus.use(realtime({ listen: proxy.url }))
  await new Promise((resolve) => setTimeout(resolve, 200))
  const before = performance.now()
  await bus.stop()
  expect(performance.now() - before).toBeLessThan(1000)
})

it('row 49: nor does one that comes before the first canary is back', async () => {
  await using proxy = await startTcpProxy(database.url)
  const bus = createBus({ logger: silentLogger })
  const connected = new Promise((resolve) => bus.once('realtime:path-connected', resolve))
  await bus.use(realtime({ listen: proxy.url }))
  await connected
  proxy.delay(60_000)
  const before = performance.now()
  await bus.stop()
  expect(performance.now() - before).toBeLessThan(1000)
})
