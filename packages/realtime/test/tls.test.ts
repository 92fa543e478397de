import { createBus, silentLogger } from '@aimq/events'
import { nextFact } from '@aimq/events/testing'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { databaseSender } from '../src/database-sender.ts'
import { realtime } from '../src/index.ts'
import { createDatabase, type TestDatabase } from './database.ts'

/* The server of the tests offers no TLS: whoever is asked for it and connects all the same has forgotten it. */
let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const urls = ['require', 'verify-full'].map(
  (mode) => [mode, (): string => `${database.url}?sslmode=${mode}`] as const,
)

it.each(urls)(
  'sslmode=%s: LISTEN does not do without, and says that TLS is what is missing',
  async (_, url) => {
    const bus = createBus({ logger: silentLogger })
    onTestFinished(() => bus.stop())
    const degraded = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'degraded')
    await bus.use(realtime({ listen: url() }))
    expect((await degraded).cause).toMatch(/does not support SSL/)
    const { paths } = await bus.request('realtime:status', {})
    expect(paths).toMatchObject([{ path: 'listen', cause: expect.stringMatching(/does not support SSL/) }])
  },
)

it.each(urls)('sslmode=%s: nothing is sent for Supabase Realtime without it', async (_, url) => {
  const sender = databaseSender(
    url(),
    { topic: 'aimq:jobs', event: 'job_enqueued', private: true },
    silentLogger,
  )
  onTestFinished(() => sender.close())
  await expect(sender.send({ queue: 'emails' })).rejects.toThrow(/does not support SSL/)
})
