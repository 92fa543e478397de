/* Supabase Realtime, local, with the genuine client; its hooks break it. Other troubles: `wake-paths.test.ts`. */
import { type LocalRealtime, startRealtime } from '@aimq/embedded'
import type { Bus } from '@aimq/events'
import { nextFact } from '@aimq/events/testing'
import { createQueueClient } from '@aimq/queue'
import type { SupabaseOptions } from '@aimq/realtime'
import { createTriggersClient } from '@aimq/triggers'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../integration/harness/database.ts'
import { becomes, keepingLogger, startWorkerBus } from '../../harness/worker-bus.ts'

let database: TestDatabase
let server: LocalRealtime
beforeAll(async () => {
  database = await createDatabase()
  server = await startRealtime({ connectionString: database.url, joinErrorDelayMs: 50 })
})
afterAll(async () => {
  await server.stop()
  await database[Symbol.asyncDispose]()
})

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const supabase = (more: Partial<SupabaseOptions> = {}): SupabaseOptions => ({
  url: server.url,
  key: server.serviceRoleKey,
  connectionString: database.url,
  canaryIntervalMs: 5000,
  ...more,
})
const startWoken = (queue: string) =>
  startWorkerBus({ url: database.url, handlers: { [queue]: () => {} }, realtime: { supabase: supabase() } })

/** As a database trigger does; answers with how long the job waited for its start. */
async function send(bus: Bus, queue: string): Promise<number> {
  const started = nextFact(bus, 'worker:job-started', () => true, 40_000)
  const sentAt = performance.now()
  await database.query(
    `select pgmq.send($1, '1'), realtime.send(jsonb_build_object('queue', $1::text), 'job_enqueued', 'aimq:jobs', true)`,
    [queue],
  )
  await started
  return performance.now() - sentAt
}

describe('Supabase Realtime', () => {
  it('row 12: drops every socket and refuses new ones: degraded at once, healthy within 12 s of its return', async () => {
    const bus = await startWoken('dropped')
    const degraded = becomes(bus, 'degraded')
    const before = performance.now()
    server.hooks.refuseUpgrades(503)
    server.hooks.dropConnections(1012)
    await degraded
    expect(performance.now() - before).toBeLessThan(500)
    expect(await send(bus, 'dropped')).toBeLessThan(1500)
    await pause(5000)
    const healthy = becomes(bus, 'healthy')
    server.hooks.refuseUpgrades(undefined)
    const backAt = performance.now()
    await healthy
    expect(performance.now() - backAt).toBeLessThan(12_000)
  })

  it('row 13: closes the channel: joined again within 2 s; and again and again: no more than once a second', async () => {
    const bus = await startWoken('closed')
    const healthy = becomes(bus, 'healthy')
    const before = performance.now()
    server.hooks.closeChannel('aimq:jobs')
    await healthy
    expect(performance.now() - before).toBeLessThan(2000)
    const joinsBefore = server.hooks.joins.length
    const seconds = 10
    const closing = setInterval(() => server.hooks.closeChannel('aimq:jobs'), 20)
    await pause(seconds * 1000)
    clearInterval(closing)
    const joins = server.hooks.joins.length - joinsBefore
    expect(joins).toBeGreaterThan(1)
    expect(joins / seconds).toBeLessThan(1)
    await bus.stop()
  })

  it('row 14: refuses the join: said once, polled, and after five refusals not asked again for half a minute', async () => {
    const logger = keepingLogger()
    const bus = await startWorkerBus({ url: database.url, handlers: { refused: () => {} }, logger })
    const { realtime } = await import('@aimq/realtime')
    const joinsBefore = server.hooks.joins.length
    const degraded = becomes(bus, 'degraded')
    await bus.use(realtime({ supabase: supabase({ key: server.anonKey }) }))
    await degraded
    const status = await bus.request('realtime:status', {})
    expect(status.cause).toMatch(/may not read the private topic/)
    expect(await send(bus, 'refused')).toBeLessThan(1500)
    const joins = () => server.hooks.joins.length - joinsBefore
    await expect.poll(joins, { timeout: 40_000 }).toBe(5)
    // Asked again after 30 to 60 seconds.
    await pause(29_000)
    expect(joins()).toBe(5)
    expect(logger.lines.filter((line) => line.includes('may not read the private topic'))).toHaveLength(1)
  }, 90_000)

  it('row 16: passes nothing on, though joined: found out within one and a half canary intervals and 5 s, and polled', async () => {
    const bus = await startWoken('swallowed')
    const degraded = becomes(bus, 'degraded')
    const before = performance.now()
    server.hooks.swallow(true)
    try {
      // Nobody knows yet that nothing comes through: this one waits until it is found out, or for a safety poll.
      const unnoticed = send(bus, 'swallowed')
      await degraded
      expect(performance.now() - before).toBeLessThan(5000 * 1.5 + 5000 + 500)
      expect(await unnoticed).toBeLessThan(33_000)
      expect(await send(bus, 'swallowed')).toBeLessThan(1500)
    } finally {
      server.hooks.swallow(false)
    }
    await becomes(bus, 'healthy')
  })
})

describe('a trigger that finds Realtime locked', () => {
  /** Somebody holds the table of messages, until the test lets go. */
  async function lock(queue: string): Promise<pg.Client> {
    await database.query('select pgmq.create($1)', [queue])
    await createTriggersClient({ connectionString: database.url }).install({
      queues: [queue],
      paths: ['realtime'],
    })
    const holder = new pg.Client({ connectionString: database.url })
    await holder.connect()
    await holder.query('begin; lock table realtime.messages in access exclusive mode')
    return holder
  }
  const count = async (queue: string) =>
    Number((await database.query(`select count(*) from pgmq.q_${queue}`)).rows[0].count)

  it('row 17: a send waits for as long as its lock_timeout says, goes through, and a warning says what is missing', async () => {
    const holder = await lock('patient')
    const sender = new pg.Client({ connectionString: database.url, lock_timeout: 500 })
    const warnings: string[] = []
    sender.on('notice', ({ message }) => warnings.push(message ?? ''))
    await sender.connect()
    await sender.query(`select pgmq.send('patient', '1')`)
    expect(warnings.join()).toMatch(/lock timeout/)
    expect(await count('patient')).toBe(1)
    await sender.end()
    await holder.end()
  })

  it('row 17: without one a send has its deadline: its outcome is unknown, and it happens when the lock is gone', async () => {
    const holder = await lock('hasty')
    // Which says nothing of a transaction that commits, and only then is the hint sent.
    const url = new URL(database.url)
    url.searchParams.set('options', '-c statement_timeout=300')
    await using client = createQueueClient({ connectionString: url.href, queryTimeoutMs: 1500 })
    await expect(client.send('hasty', 1)).rejects.toMatchObject({ code: 'queue/outcome-unknown' })
    expect(await count('hasty')).toBe(0)
    await holder.end()
    await expect.poll(() => count('hasty')).toBe(1)
  })
})
