import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { beforeEach, describe, expect, it } from 'vitest'
import { createTriggersClient, rolesSql, type TriggersClient } from '../src/index.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { createRealtime } from './realtime-schema.ts'

/* Whoever may create in a schema of the installer's search path gets nothing run with the installer's rights. */

let database: TestDatabase
let triggers: TriggersClient

beforeEach(async () => {
  database = await createDatabase()
  await createRealtime(database)
  triggers = createTriggersClient({ connectionString: database.url })
  await database.query(`
    select pgmq.create('emails');
    create table public.orders (id integer primary key, status text)`)
  return () => database[Symbol.asyncDispose]()
})

/** Better matches than PostgreSQL's own for what is easily written down: each notes that it was called. */
const traps = `
  create table public.caught (what text);
  create function public.hashtextextended(text, integer) returns bigint language plpgsql as $$
    begin insert into public.caught values ('hashtextextended'); return 1; end $$;
  create function public.trap(name, name) returns boolean language plpgsql as $$
    begin insert into public.caught values ('like'); return true; end $$;
  create operator public.~~ (leftarg = name, rightarg = name, function = public.trap);
  create function public.trap(oid, integer) returns boolean language plpgsql as $$
    begin insert into public.caught values ('='); return true; end $$;
  create operator public.= (leftarg = oid, rightarg = integer, function = public.trap);
  create function public.trap_text(name, name) returns text language plpgsql as $$
    begin insert into public.caught values ('||'); return ''; end $$;
  create operator public.|| (leftarg = name, rightarg = name, function = public.trap_text);`

const wish = { queues: ['emails'], paths: ['notify', 'realtime'] as const, policy: true }
const jobs = [
  { name: 'changed', table: 'orders', queue: 'emails', payload: ['id'], coalesceBy: ['id'] },
] as const
const prefix = `r${randomBytes(4).toString('hex')}`
const roles = { queues: ['emails'], prefix, rowSecurity: true, realtimeTopic: 'aimq:jobs' }

it('runs nothing that was planted for it', async () => {
  await database.query(traps)
  const run = async (made: Promise<{ sql: string }>) => database.query((await made).sql)
  const steps: Record<string, () => Promise<unknown>> = {
    plan: () => triggers.plan(wish),
    install: () => triggers.install(wish),
    'a migration': () => run(triggers.migration(wish)),
    'table jobs': () => triggers.installTableJobs({ jobs }),
    'a migration of table jobs': () => run(triggers.tableMigration({ jobs })),
    roles: () => database.query(rolesSql(roles)),
    list: () => triggers.list(),
    repair: () => triggers.repair(),
    'no roles': () => database.query(rolesSql({ ...roles, remove: true })),
    'no table jobs': () => triggers.removeTableJobs(),
    'a migration of no table jobs': () => run(triggers.tableMigration({ jobs, remove: true })),
    'a migration of none': () => run(triggers.migration({ queues: ['emails'], remove: true })),
    remove: () => triggers.remove(),
  }
  const caught: Record<string, unknown> = {}
  for (const [name, step] of Object.entries(steps)) {
    await step()
    const rows = await database.query('delete from public.caught returning what')
    if (rows.length > 0) caught[name] = [...new Set(rows.map(({ what }) => what))]
  }
  expect(caught).toEqual({})
})

describe.each([
  'search_path = aimq, pgmq, public',
  `search_path = ''`,
  'default_transaction_isolation = serializable',
  'plpgsql.variable_conflict = use_variable',
  `plpgsql.extra_errors = 'all'`,
  'row_security = off',
  'client_min_messages = error',
])('in a database with %s', (setting) => {
  it('finds all as it was installed, and changes none of it', async () => {
    await database.query(`alter database ${database.name} set ${setting}`)
    const session = new pg.Client({ connectionString: database.url })
    await session.connect()
    const settings = async () =>
      (
        await session.query(
          `select name, setting from pg_catalog.pg_settings where name in ('search_path', 'lock_timeout')`,
        )
      ).rows
    try {
      const before = await settings()
      await triggers.install(wish)
      await triggers.installTableJobs({ jobs })
      const found = async () =>
        (await triggers.list({ queues: ['emails'] })).triggers.concat(
          (await triggers.listTableJobs()).triggers,
        )
      expect((await found()).flatMap(({ findings }) => findings)).toEqual([])
      const sql = `${(await triggers.migration(wish)).sql};${(await triggers.tableMigration({ jobs })).sql};${rolesSql(roles)};`
      await session.query(`begin; ${sql}`)
      // What follows in the same transaction is somebody else's.
      expect(await settings()).toEqual(before)
      await session.query('commit')
      expect((await triggers.plan(wish)).changes).toEqual([])
      expect((await triggers.planTableJobs({ jobs })).changes).toEqual([])
      await session.query(`insert into public.orders values (1), (2); insert into public.orders values (3)`)
      expect((await session.query('select from pgmq.q_emails')).rowCount).toBe(3)
      const undo = `${rolesSql({ ...roles, remove: true })};${(await triggers.tableMigration({ jobs, remove: true })).sql};${(await triggers.migration({ queues: ['emails'], remove: true })).sql};`
      await session.query(`begin; ${undo}`)
      expect(await settings()).toEqual(before)
      await session.query('commit')
      expect((await session.query(`select from pg_namespace where nspname = 'aimq'`)).rowCount).toBe(0)
    } finally {
      await session.end()
    }
  })
})

it('reads a condition as whoever wrote it would have it read', async () => {
  await database.query(
    `create function public.is_big(integer) returns boolean language sql immutable as 'select $1 > 10'`,
  )
  const big = [{ ...jobs[0], operations: ['insert'] as const, when: 'is_big(new.id)' }]
  await triggers.installTableJobs({ jobs: big })
  await database.query('insert into public.orders values (1), (11)')
  expect(await database.query('select from pgmq.q_emails')).toHaveLength(1)
  expect((await triggers.listTableJobs()).triggers[0]?.findings).toEqual([])
})
