import { randomBytes } from 'node:crypto'
import type { AimqRole } from '@aimq/events'
import { onTestFinished } from 'vitest'
import { type RolesOptions, rolesSql } from '../src/index.ts'
import type { TestDatabase } from './database.ts'

/** Roles belong to the whole server, which other test files use at the same time: a prefix of their own, gone at the end. */
export async function installRoles(
  database: TestDatabase,
  options: RolesOptions,
): Promise<Record<AimqRole, string> & { readonly options: RolesOptions }> {
  const prefix = `r${randomBytes(4).toString('hex')}`
  const own = { ...options, prefix }
  await database.query(rolesSql(own))
  onTestFinished(async () => {
    await database.query(rolesSql({ ...own, remove: true }))
  })
  const role = (name: AimqRole) => `${prefix}_${name}`
  return {
    options: own,
    installer: role('installer'),
    producer: role('producer'),
    worker: role('worker'),
    reader: role('reader'),
  }
}

/** The roles that Supabase has, made as Supabase makes them. They stay: other test files want them, too. */
export async function supabaseRoles(database: TestDatabase): Promise<void> {
  await database.query(`do $$
    declare wanted text;
    begin
      perform pg_advisory_xact_lock(1);
      foreach wanted in array array['anon', 'authenticated', 'service_role'] loop
        begin
          if not exists (select from pg_roles where rolname = wanted) then
            execute format('create role %I nologin noinherit', wanted);
          end if;
        exception when duplicate_object or unique_violation then null;
        end;
      end loop;
    end $$`)
}

/** What comes of `statement` when `role` runs it: `ok`, or the SQLSTATE. Nothing stays. */
export async function attempt(database: TestDatabase, role: string, statement: string): Promise<string> {
  const client = await database.pool.connect()
  try {
    await client.query('begin')
    await client.query(`set local role "${role}"`)
    await client.query(statement)
    return 'ok'
  } catch (thrown) {
    return String((thrown as { code?: string }).code)
  } finally {
    await client.query('rollback')
    client.release()
  }
}

/** Everything that roles and their removal may touch in the database, as text. */
export async function rightsIn(database: TestDatabase): Promise<string> {
  const rows = await database.query(`
    select 'class ' || c.oid::regclass as what, coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))::text || ' ' || c.relrowsecurity as state
      from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where n.nspname in ('pgmq', 'aimq', 'realtime')
    union all select 'column ' || a.attrelid::regclass || '.' || a.attname, a.attacl::text
      from pg_attribute as a join pg_class as c on c.oid = a.attrelid join pg_namespace as n on n.oid = c.relnamespace
      where n.nspname in ('pgmq', 'aimq', 'realtime') and a.attacl is not null and a.attacl <> '{}'
    union all select 'schema ' || nspname, coalesce(nspacl, acldefault('n', nspowner))::text from pg_namespace where nspname not like 'pg_%'
    union all select 'policy ' || polname || ' on ' || polrelid::regclass, polroles::text from pg_policy
    union all select 'function ' || p.oid::regprocedure, coalesce(proacl, acldefault('f', proowner))::text
      from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where n.nspname in ('pgmq', 'aimq', 'realtime')
    union all select 'database', coalesce(datacl, acldefault('d', datdba))::text from pg_database where datname = current_database()
    order by 1`)
  return rows.map(({ what, state }) => `${what}: ${state}`).join('\n')
}
