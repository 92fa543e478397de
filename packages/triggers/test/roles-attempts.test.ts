import type { AimqRole } from '@aimq/events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rolesSql } from '../src/index.ts'
import { aimqRoles } from '../src/roles-options.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { attempt, installRoles, supabaseRoles } from './roles-setup.ts'

/*
 * What each role may do, one statement a line, each undone again. `tooling/integration` drives the real client and the
 * real worker with these roles.
 */
let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
  await supabaseRoles(database)
  for (const queue of ['emails', 'emails_dlq', 'orders', 'orders_dlq']) {
    await database.query('select pgmq.create($1)', [queue])
    await database.query(`select pgmq.send($1, '{"secret": 1}')`, [queue])
  }
  await database.query(
    `create schema aimq; create table aimq.idempotency_key (queue text, key text, id bigint, primary key (queue, key))`,
  )
  await database.query(`insert into aimq.idempotency_key values ('emails', 'k', 1), ('orders', 'k', 1)`)
  await database.query(
    `create function aimq.register_listener(uuid, text[]) returns void language sql security definer as ''`,
  )
  await database.query(
    `create function aimq.forget_listener(uuid) returns void language sql security definer as ''`,
  )
  await database.query(`create function aimq.other() returns void language sql security definer as ''`)
  await database.query('revoke all on all functions in schema aimq from public')
  await database.query('create schema realtime; create table realtime.messages (topic text, extension text)')
  await database.query('alter table realtime.messages enable row level security')
})
afterAll(() => database[Symbol.asyncDispose]())

const insert = (table: string) => `insert into ${table} (vt, message) values (now(), '1') returning msg_id`
const claim = (queue: string) =>
  `insert into aimq.idempotency_key values ('${queue}', 'k', 2) on conflict (queue, key) do update set id = 2 returning id`
const hint = (topic: string) => `insert into realtime.messages values ('${topic}', 'broadcast')`
const id = "'00000000-0000-0000-0000-000000000000'"

/** Every attempt, and who may. */
const attempts: readonly (readonly [string, readonly AimqRole[]])[] = [
  [insert('pgmq.q_emails'), ['installer', 'producer']],
  [insert('pgmq.q_orders'), []],
  [
    `insert into pgmq.a_emails (msg_id, vt, message) values (9, now(), '1') on conflict do nothing`,
    ['worker'],
  ],
  [insert('pgmq.q_emails_dlq'), ['worker']],
  [`select nextval('pgmq.q_emails_msg_id_seq')`, ['producer']],
  [`select setval('pgmq.q_emails_msg_id_seq', 1)`, []],
  ['select msg_id from pgmq.q_emails', ['installer', 'producer', 'worker', 'reader']],
  ['select message from pgmq.q_emails', ['worker', 'reader']],
  ['select message from pgmq.q_orders', []],
  ['select message from pgmq.a_emails', ['reader']],
  ['select count(*) from pgmq.a_emails', ['worker', 'reader']],
  ['select message from pgmq.q_emails_dlq', ['reader']],
  ['select message from pgmq.a_emails_dlq', ['reader']],
  ['select queue_name from pgmq.meta', ['installer', 'worker', 'reader']],
  [`update pgmq.q_emails set vt = now()`, ['worker']],
  [`update pgmq.q_orders set vt = now()`, []],
  [`update pgmq.q_emails_dlq set vt = now()`, []],
  [`update pgmq.a_emails set vt = now()`, []],
  ['delete from pgmq.q_emails', ['worker']],
  ['delete from pgmq.q_emails_dlq', []],
  ['delete from pgmq.a_emails', []],
  ['delete from pgmq.meta', []],
  ['truncate pgmq.q_emails', []],
  [`select pgmq.send('emails', '1')`, ['installer', 'producer']],
  [`select pgmq.read('emails', 1, 1)`, ['worker']],
  [`select pgmq.create('more')`, []],
  [`select pgmq.drop_queue('emails')`, []],
  [`alter table pgmq.q_emails add column x int`, []],
  [`create trigger t after insert on pgmq.q_emails execute function aimq.other()`, []],
  [claim('emails'), ['producer']],
  ['delete from aimq.idempotency_key', []],
  [`select aimq.register_listener(${id}, '{}')`, ['worker']],
  [`select aimq.forget_listener(${id})`, ['worker']],
  ['select aimq.other()', []],
  ['create table aimq.mine ()', ['installer']],
  ['create table pgmq.mine ()', []],
  ['create schema mine', []],
  [hint('aimq:jobs'), ['installer', 'worker']],
  [hint('someone:else'), []],
]

describe('each role', () => {
  it.each([
    ['by grants alone', false],
    ['with row security', true],
  ])('does its job and no more, %s', async (_, rowSecurity) => {
    const roles = await installRoles(database, {
      queues: ['emails'],
      rowSecurity,
      realtimeTopic: 'aimq:jobs',
    })
    const expected: Record<string, string> = {}
    const outcome: Record<string, string> = {}
    for (const [statement, allowed] of attempts) {
      for (const role of aimqRoles) {
        const key = `${role}: ${statement}`
        expected[key] = allowed.includes(role) ? 'ok' : '42501'
        outcome[key] = await attempt(database, roles[role], statement)
      }
    }
    expect(outcome).toEqual(expected)
  })

  it('can put a trigger on its queues when it is the installer, and no one else can', async () => {
    const roles = await installRoles(database, { queues: ['emails'] })
    await database.query(
      `create function aimq.ours() returns trigger language plpgsql as 'begin return null; end'; grant execute on function aimq.ours() to ${roles.installer}`,
    )
    const create = (queue: string) =>
      `create trigger t after insert on pgmq.q_${queue} execute function aimq.ours()`
    expect(await attempt(database, roles.installer, create('emails'))).toBe('ok')
    expect(await attempt(database, roles.installer, create('orders'))).toBe('42501')
    for (const role of [roles.producer, roles.worker, roles.reader]) {
      expect(await attempt(database, role, create('emails'))).toBe('42501')
    }
    await database.query('drop function aimq.ours() cascade')
  })
})

describe('everybody else', () => {
  it.each(['anon', 'authenticated', 'service_role'])('%s can do nothing', async (role) => {
    for (const rowSecurity of [false, true]) {
      await installRoles(database, { queues: ['emails', 'orders'], rowSecurity, realtimeTopic: 'aimq:jobs' })
      for (const [statement] of attempts) {
        expect(`${await attempt(database, role, statement)} ${statement}`).toBe(`42501 ${statement}`)
      }
    }
  })

  it('PUBLIC has no right on anything of pgmq and aimq but pgmq’s own functions, which need more than that', async () => {
    await installRoles(database, { queues: ['emails', 'orders'], rowSecurity: true })
    expect(
      await database.query(`
        select c.oid::regclass::text as object from pg_class as c join pg_namespace as n on n.oid = c.relnamespace,
          aclexplode(c.relacl) as granted where n.nspname in ('pgmq', 'aimq') and granted.grantee = 0
        union all select n.nspname from pg_namespace as n, aclexplode(n.nspacl) as granted
          where n.nspname in ('pgmq', 'aimq') and granted.grantee = 0
        union all select p.oid::regprocedure::text from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace,
          aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as granted
          where n.nspname = 'aimq' and granted.grantee = 0`),
    ).toEqual([])
  })
})

describe('row security', () => {
  it('keeps out whoever was granted everything by mistake', async () => {
    const roles = await installRoles(database, { queues: ['emails'], rowSecurity: true })
    await database.query(
      'grant usage on schema pgmq, aimq to authenticated; grant all on pgmq.q_emails, aimq.idempotency_key to authenticated',
    )
    const client = await database.pool.connect()
    await client.query('begin; set local role authenticated')
    const seen = await client.query(
      'select 1 from pgmq.q_emails union all select 1 from aimq.idempotency_key',
    )
    await client.query('rollback')
    client.release()
    expect(seen.rows).toEqual([])
    expect(await attempt(database, 'authenticated', insert('pgmq.q_emails'))).toBe('42501')
    await database.query(
      'revoke all on pgmq.q_emails, aimq.idempotency_key from authenticated; revoke all on schema pgmq, aimq from authenticated',
    )
    expect(await attempt(database, roles.producer, claim('emails'))).toBe('ok')
  })

  it('keeps a producer from the idempotency keys of another queue', async () => {
    const open = await installRoles(database, { queues: ['emails'] })
    expect(await attempt(database, open.producer, claim('orders'))).toBe('ok')
    const walled = await installRoles(database, { queues: ['emails'], rowSecurity: true })
    expect(await attempt(database, walled.producer, claim('orders'))).toBe('42501')
    expect(await attempt(database, walled.producer, claim('emails'))).toBe('ok')
  })

  it('of one set of roles lets another back in when its file is run again', async () => {
    const open = await installRoles(database, { queues: ['orders'] })
    await installRoles(database, { queues: ['emails'], rowSecurity: true })
    await database.query(rolesSql(open.options))
    expect(await attempt(database, open.producer, claim('orders'))).toBe('ok')
  })

  it('that somebody else has turned on does not shut the roles out', async () => {
    await database.query('alter table pgmq.q_emails enable row level security')
    const roles = await installRoles(database, { queues: ['emails'] })
    expect(await attempt(database, roles.producer, insert('pgmq.q_emails'))).toBe('ok')
    const client = await database.pool.connect()
    await client.query(`begin; set local role ${roles.worker}`)
    expect((await client.query('select message from pgmq.q_emails')).rows).toHaveLength(1)
    await client.query('rollback')
    client.release()
    await database.query('alter table pgmq.q_emails disable row level security')
  })
})
