import { afterAll, beforeAll, expect, it } from 'vitest'
import { createQueueClient, type QueueClient } from '../src/index.ts'
import { createDatabase, failureOf, type TestDatabase } from './database.ts'

let database: TestDatabase
let client: QueueClient

beforeAll(async () => {
  database = await createDatabase()
  client = createQueueClient({ connectionString: database.url, maxConnections: 10 })
})

afterAll(async () => {
  await client.close()
  await database[Symbol.asyncDispose]()
})

/** Everything in the catalogue that an installation could leave behind. */
async function catalogue(): Promise<unknown> {
  return database.query(`
    select 'relation' as kind, n.nspname || '.' || c.relname as name, coalesce(c.relacl::text, '') as rights
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    union all select 'schema', nspname, coalesce(nspacl::text, '') from pg_namespace where nspname not like 'pg\\_temp%' and nspname not like 'pg\\_toast\\_temp%'
    union all select 'function', n.nspname || '.' || p.proname || '/' || p.oid::text, coalesce(p.proacl::text, '')
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname not in ('pg_catalog', 'information_schema')
    union all select 'type', n.nspname || '.' || t.typname, '' from pg_type t join pg_namespace n on n.oid = t.typnamespace
      where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    order by 1, 2`)
}

it('leaves the catalogue as it was, ten installers at once included', async () => {
  const before = await catalogue()
  await Promise.all(Array.from({ length: 10 }, () => client.install()))
  await client.install()
  expect((await client.capabilities()).idempotency).toBe(true)
  const ledger = await database.query('select package, name, checksum from aimq.migration')
  expect(ledger).toEqual([
    {
      package: '@aimq/queue',
      name: '0001_idempotency_key',
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
    },
  ])
  await Promise.all(Array.from({ length: 10 }, () => client.uninstall()))
  await client.uninstall()
  expect((await client.capabilities()).idempotency).toBe(false)
  expect(await catalogue()).toEqual(before)
})

it('keeps the ledger and the schema while another package uses them', async () => {
  await client.install()
  await database.query(
    `insert into aimq.migration (package, name, checksum) values ('@aimq/other', '0001', 'x')`,
  )
  await client.uninstall()
  expect(await database.query('select package from aimq.migration')).toEqual([{ package: '@aimq/other' }])
  await database.query('drop table aimq.migration; create table aimq.something (); ')
  await client.uninstall()
  expect(await database.query(`select to_regclass('aimq.something') is not null as there`)).toEqual([
    { there: true },
  ])
  await database.query('drop schema aimq cascade')
})

it('grants nothing to PUBLIC', async () => {
  await client.install()
  const rights = await database.query(
    `select relname from pg_class c, aclexplode(c.relacl) as a where relnamespace = 'aimq'::regnamespace and a.grantee = 0`,
  )
  expect(rights).toEqual([])
  expect(await database.query(`select has_schema_privilege('public', 'aimq', 'usage') as usage`)).toEqual([
    { usage: false },
  ])
  await client.uninstall()
})

it('is part of the caller’s transaction when its client is in one', async () => {
  const session = await database.pool.connect()
  const other = createQueueClient({ client: session })
  await session.query('begin')
  await other.install()
  await session.query('rollback')
  session.release()
  expect((await client.capabilities()).idempotency).toBe(false)
})

it('refuses to go on where the migration was another one', async () => {
  await client.install()
  await database.query(`update aimq.migration set checksum = 'changed'`)
  const error = await failureOf(client.install())
  expect(error).toMatchObject({ code: 'queue/migration-changed' })
  expect(error.message).toContain('0001_idempotency_key')
  await client.uninstall()
})

it('runs nothing that somebody planted in the search path, and leaves the path as it was', async () => {
  await database.query(`
    create table public.caught (what text);
    create function public.hashtextextended(text, integer) returns bigint language plpgsql as $$
      begin insert into public.caught values ('hashtextextended'); return 1; end $$`)
  await client.install()
  await client.uninstall()
  expect(await database.query('select what from public.caught')).toEqual([])
  expect(await database.query('select hashtextextended($$x$$, 0)')).toHaveLength(1)
})
