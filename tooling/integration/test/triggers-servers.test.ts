/*
 * Triggers on servers of their own: of another version, crashed, with a full queue of notifications.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedPostgres, startEmbedded } from '@aimq/embedded'
import { createTriggersClient } from '@aimq/triggers'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'

async function start(options: {
  settings?: Record<string, string>
  realtime?: true
}): Promise<EmbeddedPostgres & { client: () => Promise<pg.Client> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'aimq-triggers-'))
  const server = await startEmbedded({ dataDir, temporary: true, ...options })
  onTestFinished(async () => {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  })
  const client = async () => {
    const made = new pg.Client({ connectionString: server.connectionString })
    made.on('error', () => {})
    await made.connect()
    onTestFinished(() => made.end().catch(() => {}))
    return made
  }
  return Object.assign(server, { client })
}

it('what a crash of the database leaves is whole, and tells as before', async () => {
  const server = await start({ realtime: true })
  const before = await server.client()
  await before.query(`select pgmq.create('jobs')`)
  const triggers = createTriggersClient({ connectionString: server.connectionString })
  await triggers.install({ paths: ['notify', 'realtime'], throttleMs: 50 })
  await before.query(`begin; select pgmq.send('jobs', '{}')`)
  const { rows } = await before.query('select pg_backend_pid() as pid')
  // One backend killed: PostgreSQL drops all of them, and recovers from its log.
  process.kill(Number(rows[0].pid), 'SIGKILL')
  await expect
    .poll(
      () =>
        triggers.list().then(
          ({ triggers: states }) => states,
          () => undefined,
        ),
      { timeout: 30_000 },
    )
    .toMatchObject([{ installed: true, findings: [] }])
  const after = await server.client()
  await after.query('listen "aimq:jobs"')
  const heard: string[] = []
  after.on('notification', ({ payload = '' }) => heard.push(payload))
  await after.query(`select aimq.register_listener(gen_random_uuid(), '{}')`)
  await after.query(`select pgmq.send('jobs', '{}')`)
  await expect.poll(() => heard.length).toBe(1)
  const sent = await after.query(`select payload from realtime.messages where topic = 'aimq:jobs'`)
  expect(sent.rows).toMatchObject([{ payload: { queue: 'jobs', count: 1, again_in_ms: 250 } }])
})

it('a queue of notifications that is nearly full costs a warning, and never the message', async () => {
  const server = await start({ settings: { max_notify_queue_pages: '64' } })
  const [stuck, sender] = [await server.client(), await server.client()]
  await sender.query(`select pgmq.create('jobs')`)
  await createTriggersClient({ connectionString: server.connectionString }).install({ always: true })
  await stuck.query('listen "aimq:jobs"')
  await stuck.query('begin')
  const usage = async () =>
    Number((await sender.query('select pg_notification_queue_usage() as usage')).rows[0].usage)
  for (let page = 0; (await usage()) < 0.9; page++) {
    await sender.query(`select pg_notify('filler', $1)`, [`${page} ${'x'.repeat(7900)}`])
  }
  const warnings: string[] = []
  sender.on('notice', ({ message }) => warnings.push(message ?? ''))
  for (let sent = 0; sent < 200; sent++) await sender.query(`select pgmq.send('jobs', '{}')`)
  expect(warnings).toHaveLength(200)
  expect(warnings[0]).toContain('too many wait for a session that listens and is in a long transaction')
  expect((await sender.query('select from pgmq.q_jobs')).rows).toHaveLength(200)
  await stuck.query('commit')
  await expect.poll(usage, { timeout: 10_000 }).toBeLessThan(0.5)
  const heard = new Promise((resolve) => stuck.on('notification', ({ payload }) => resolve(payload)))
  await sender.query(`select pgmq.send('jobs', '{}')`)
  expect(JSON.parse(String(await heard))).toMatchObject({ queue: 'jobs', count: 1 })
  expect(warnings).toHaveLength(200)
})
