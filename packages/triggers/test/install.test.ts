import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createTriggersClient, type TriggersClient } from '../src/index.ts'
import { catalogueOf, createDatabase, failureOf, notificationsOf, type TestDatabase } from './database.ts'

let database: TestDatabase
let triggers: TriggersClient

beforeAll(async () => {
  database = await createDatabase()
  triggers = createTriggersClient({ connectionString: database.url })
  await database.query(`select pgmq.create('emails'), pgmq.create('reports')`)
})

afterAll(() => database[Symbol.asyncDispose]())

beforeEach(async () => {
  await triggers.remove()
})

const send = (queue = 'emails', delay = 0) =>
  database.query('select pgmq.send($1, $2::jsonb, $3::integer)', [queue, '{}', delay])

it('makes the database tell of every enqueue, once for each statement, with count and due time', async () => {
  await triggers.install({ queues: ['emails'], always: true })
  const heard = await notificationsOf(database, async () => {
    await send()
    await database.query(`select pgmq.send_batch('emails', array['{}', '{}', '{}']::jsonb[])`)
    await send('emails', 60)
    await send('reports')
  })
  expect(heard.map((text) => JSON.parse(text))).toEqual([
    { event: 'job_enqueued', queue: 'emails', count: 1, due_in_ms: 0, v: 1 },
    { event: 'job_enqueued', queue: 'emails', count: 3, due_in_ms: 0, v: 1 },
    { event: 'job_enqueued', queue: 'emails', count: 1, due_in_ms: expect.any(Number), v: 1 },
  ])
  expect(JSON.parse(heard[2] ?? '').due_in_ms / 1000).toBeCloseTo(60, 0)
})

it('asks listeners that already run to register, by an installation, a repair and a migration', async () => {
  const wanted = ['{"event":"listener_wanted","v":1}']
  expect(await notificationsOf(database, () => triggers.install({ queues: ['emails'] }))).toEqual(wanted)
  expect(await notificationsOf(database, () => triggers.install({ queues: ['emails'] }))).toEqual([])
  await database.query('drop trigger aimq_notify_emails on pgmq.q_emails')
  expect(await notificationsOf(database, () => triggers.repair({ queues: ['emails'] }))).toEqual(wanted)
  const { sql } = await triggers.migration({ queues: ['emails'] })
  expect(await notificationsOf(database, () => database.query(sql))).toEqual(wanted)
})

it('leaves the catalogue as it was, ten installers at once included', async () => {
  const before = await catalogueOf(database)
  const done = await Promise.all(
    Array.from({ length: 10 }, () => triggers.install({ queues: ['emails', 'reports'] })),
  )
  expect(done.filter(({ changes }) => changes.length > 0)).toHaveLength(1)
  expect((await triggers.list()).triggers.map(({ name, findings }) => ({ name, findings }))).toEqual([
    { name: 'emails', findings: [] },
    { name: 'reports', findings: [] },
  ])
  await Promise.all(Array.from({ length: 10 }, () => triggers.remove()))
  expect(await catalogueOf(database)).toEqual(before)
})

it('tells only while somebody sleeps, and always in a transaction whose snapshot may be old', async () => {
  await triggers.install({ queues: ['emails'] })
  expect(await notificationsOf(database, () => send())).toEqual([])
  const [id, other] = [randomUUID(), randomUUID()]
  await database.query('select aimq.register_listener($1, $2)', [id, ['reports']])
  expect(await notificationsOf(database, () => send())).toHaveLength(1)
  await database.query('select aimq.register_listener($1, $2)', [id, ['reports', 'emails']])
  expect(await notificationsOf(database, () => send())).toEqual([])
  await database.query('select aimq.register_listener($1, $2)', [other, []])
  expect(await notificationsOf(database, () => send())).toHaveLength(1)
  await database.query('select aimq.forget_listener($1)', [other])
  expect(await notificationsOf(database, () => send())).toEqual([])
  const repeatable = await notificationsOf(database, () =>
    database.query(`begin isolation level repeatable read; select pgmq.send('emails', '{}'); commit`),
  )
  expect(repeatable).toHaveLength(1)
})

it('forgets listeners that were not heard of for five minutes', async () => {
  await triggers.install({ queues: ['emails'] })
  const [gone, here] = [randomUUID(), randomUUID()]
  await database.query(`select aimq.register_listener($1, '{}')`, [gone])
  await database.query(`update aimq.listener set seen_at = now() - interval '6 minutes'`)
  await database.query(`select aimq.register_listener($1, '{}')`, [here])
  expect(await database.query('select id from aimq.listener')).toEqual([{ id: here }])
})

it('never makes listeners wait for one another that were both not heard of for long', async () => {
  await triggers.install({ queues: ['emails'] })
  const ids = [randomUUID(), randomUUID()]
  for (const id of ids) await database.query(`select aimq.register_listener($1, '{}')`, [id])
  // Both come back at the same moment, as after a pause of the whole server.
  await database.query(`
    update aimq.listener set seen_at = now() - interval '6 minutes';
    create function aimq.linger() returns trigger language plpgsql as 'begin perform pg_sleep(0.3); return null; end';
    create trigger linger after delete on aimq.listener for each statement execute function aimq.linger()`)
  await Promise.all(ids.map((id) => database.query(`select aimq.register_listener($1, '{}')`, [id])))
  expect(await database.query('select id from aimq.listener')).toHaveLength(2)
  await database.query('drop function aimq.linger cascade')
})

it('does nothing a second time, and keeps the core while another queue needs it', async () => {
  const { changes } = await triggers.install({ queues: ['emails'] })
  expect(changes.map(({ object }) => object)).toEqual([
    'schema aimq',
    'table aimq.migration',
    'table aimq.listener',
    'function aimq.register_listener(id uuid, awake text[])',
    'function aimq.forget_listener(id uuid)',
    'function aimq.notify_job_enqueued()',
    'entry "0001_notify" of @aimq/triggers in aimq.migration',
    'trigger aimq_notify_emails on pgmq.q_emails',
  ])
  expect(await triggers.install({ queues: ['emails'] })).toEqual({ changes: [] })
  expect((await triggers.plan({ queues: ['emails', 'reports'] })).changes).toMatchObject([
    { action: 'create', object: 'trigger aimq_notify_reports on pgmq.q_reports' },
  ])
  await triggers.install()
  expect((await triggers.remove({ queues: ['emails'] })).changes).toMatchObject([
    { action: 'remove', object: 'trigger aimq_notify_emails on pgmq.q_emails' },
  ])
  expect((await triggers.list({ queues: ['reports'] })).triggers).toMatchObject([
    { name: 'reports', kind: 'queue', table: 'pgmq.q_reports', installed: true, version: 1, findings: [] },
  ])
})

it('keeps what another package installed in schema aimq', async () => {
  await triggers.install()
  await database.query(
    `insert into aimq.migration (package, name, checksum) values ('@aimq/other', '0001', 'x'); create table aimq.theirs ()`,
  )
  await triggers.remove()
  expect(await database.query('select package from aimq.migration')).toEqual([{ package: '@aimq/other' }])
  await database.query('drop schema aimq cascade')
})

it('grants nothing to PUBLIC', async () => {
  await triggers.install({ queues: ['emails'] })
  const rights = await database.query(
    `select c.relname::text as name from pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', relowner))) as a
       where relnamespace = 'aimq'::regnamespace and relkind = 'r' and a.grantee = 0
     union all select proname from pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) as a
       where pronamespace = 'aimq'::regnamespace and a.grantee = 0`,
  )
  expect(rights).toEqual([{ name: 'migration' }].slice(1))
  expect(await database.query(`select has_schema_privilege('public', 'aimq', 'usage') as usage`)).toEqual([
    { usage: false },
  ])
})

it('refuses queues that are not there, and unlogged ones', async () => {
  await database.query(`select pgmq.create_unlogged('fast')`)
  expect(await failureOf(triggers.install({ queues: ['email'] }))).toMatchObject({
    code: 'triggers/queue-missing',
    message: expect.stringContaining('did you mean "emails"'),
  })
  expect(await failureOf(triggers.install({ queues: ['fast'] }))).toMatchObject({
    code: 'triggers/unsupported-queue',
    message: expect.stringContaining('unlogged'),
  })
  await triggers.install()
  expect((await triggers.list({ queues: ['fast'] })).triggers).toMatchObject([
    { installed: false, findings: [{ problem: 'unsupported' }] },
  ])
  await database.query(`select pgmq.drop_queue('fast')`)
})
