/* Every way to fail, with a password that nobody else has: it may be in nothing that is logged, thrown, told or stored. */
import { inspect } from 'node:util'
import { createBus, type Logger } from '@aimq/events'
import { createQueueClient, queue } from '@aimq/queue'
import { realtime } from '@aimq/realtime'
import { createTriggersClient } from '@aimq/triggers'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { createDatabase, type TestDatabase } from '../../integration/harness/database.ts'
import { startTcpProxy } from '../harness/tcp-proxy.ts'
import { startWorkerBus } from '../harness/worker-bus.ts'

const canary = 'CANARY-in-a-coal-mine'
const role = `canary_${process.pid}`
let database: TestDatabase
let withSecret: string
beforeAll(async () => {
  database = await createDatabase()
  await database.query(
    `create role ${role} login superuser password '${canary}'; select pgmq.create('quiet')`,
  )
  const url = new URL(database.url)
  url.username = role
  url.password = canary
  withSecret = url.href
})
afterAll(async () => {
  await database.query(`drop role ${role}`)
  await database[Symbol.asyncDispose]()
})

const changed = (change: (url: URL) => void): string => {
  const url = new URL(withSecret)
  change(url)
  return url.href
}

const failures: readonly (readonly [string, () => string])[] = [
  ['a wrong password', () => changed((url) => (url.password = `${canary}-wrong`))],
  ['an unknown user', () => changed((url) => (url.username = 'nobody'))],
  ['an unknown database', () => changed((url) => (url.pathname = '/nowhere'))],
  ['a closed port', () => changed((url) => (url.port = '1'))],
  ['an unknown host', () => changed((url) => (url.hostname = 'nowhere.invalid'))],
  ['TLS that is not there', () => changed((url) => (url.search = '?sslmode=require'))],
  ['a certificate that is not there', () => changed((url) => (url.search = '?sslrootcert=/nowhere'))],
  ['an unknown sslmode', () => changed((url) => (url.search = '?sslmode=maybe'))],
  ['another protocol', () => withSecret.replace('postgres', 'mysql')],
]

it.each(failures)('%s: the password is in nothing that is said', async (_what, urlOf) => {
  const url = urlOf()
  const said: unknown[] = []
  const keep = (fields: object, message: string) => void said.push(fields, message)
  const logger: Logger = { debug: keep, info: keep, warn: keep, error: keep }
  const attempt = async (work: () => unknown) => {
    try {
      said.push(await work())
    } catch (thrown) {
      said.push(thrown, (thrown as Error).stack, JSON.stringify(thrown))
    }
  }
  const settings = { connectionString: url, logger, connectTimeoutMs: 2000 }
  await attempt(async () => {
    await using client = createQueueClient({ ...settings, queryTimeoutMs: 2000 })
    await client.send('quiet', 1)
  })
  await attempt(async () => {
    await using client = createQueueClient({ ...settings, queryTimeoutMs: 2000 })
    await client.check()
  })
  await attempt(() => createTriggersClient({ ...settings }).install())
  const bus = createBus({ logger })
  onTestFinished(() => bus.stop())
  bus.on('realtime:health-changed', (fact) => void said.push(fact))
  await attempt(() => bus.use(queue({ connectionString: url, connectTimeoutMs: 2000 })))
  await attempt(async () => {
    const told = new Promise((resolve) => bus.once('realtime:health-changed', resolve))
    await bus.use(realtime({ listen: url }))
    await told
    said.push(await bus.request('realtime:status', {}))
  })
  expect(said.length).toBeGreaterThan(4)
  expect(inspect(said, { depth: 20, showHidden: true, maxStringLength: null })).not.toContain('CANARY')
})

it('a connection that breaks in the middle: the password is in nothing that is said', async () => {
  await using proxy = await startTcpProxy(withSecret)
  const said: unknown[] = []
  const keep = (fields: object, message: string) => void said.push(fields, message)
  const bus = await startWorkerBus({
    url: proxy.url,
    queueClient: { queryTimeoutMs: 500 },
    logger: { debug: keep, info: keep, warn: keep, error: keep },
    handlers: { quiet: () => {} },
    realtime: { listen: { connectionString: proxy.url, canaryIntervalMs: 200 } },
  })
  for (const fact of ['worker:queue-paused', 'realtime:path-lost', 'realtime:health-changed'] as const)
    bus.on(fact, (told) => void said.push(told))
  for (const trouble of [
    () => proxy.reset(),
    () => proxy.blackHole(),
    () => proxy.cutAfter(10),
    () => proxy.refuse(true),
  ]) {
    trouble()
    await new Promise((resolve) => setTimeout(resolve, 1500))
    await bus
      .request('queue:send', { queue: 'quiet', messages: [{ payload: 1 }] })
      .catch((thrown) => said.push(thrown))
  }
  expect(said.length).toBeGreaterThan(5)
  expect(inspect(said, { depth: 20, showHidden: true, maxStringLength: null })).not.toContain('CANARY')
})

it('what a handler throws is stored and told without its secrets', async () => {
  const told: unknown[] = []
  const bus = await startWorkerBus({
    url: database.url,
    defaults: { maxAttempts: 2, backoff: () => 0 },
    handlers: {
      leaky: () => {
        throw Object.assign(new Error(`cannot reach ${withSecret}`), {
          code: 'E',
          headers: { Authorization: `Bearer ${canary}` },
        })
      },
    },
  })
  for (const fact of ['worker:job-retried', 'worker:job-dead-lettered'] as const)
    bus.on(fact, (said) => void told.push(said))
  const dead = new Promise((resolve) => bus.once('worker:job-dead-lettered', resolve))
  await database.query(`select pgmq.send('leaky', '1')`)
  await dead
  told.push((await database.query('select headers from pgmq.q_leaky_dlq')).rows)
  expect(told.length).toBe(3)
  expect(inspect(told, { depth: 20 })).toContain('cannot reach')
  expect(inspect(told, { depth: 20 })).not.toContain('CANARY')
})
