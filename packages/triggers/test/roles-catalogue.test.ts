import { expect, it, onTestFinished } from 'vitest'
import { createTriggersClient } from '../src/index.ts'
import { createDatabase } from './database.ts'
import { createRealtime } from './realtime-schema.ts'
import { installRoles, supabaseRoles } from './roles-setup.ts'

/*
 * Over everything that this package can put into schema `aimq`, whatever it is: what runs with somebody else's rights
 * finds no names but those it was written for, and nobody has a right that was not given on purpose.
 */
it('holds nothing in schema aimq that somebody could turn against its owner', async () => {
  const database = await createDatabase()
  onTestFinished(() => database[Symbol.asyncDispose]())
  await supabaseRoles(database)
  await createRealtime(database)
  await database.query(`select pgmq.create('emails'); create table public.orders (id int)`)
  const client = createTriggersClient({ connectionString: database.url })
  await client.install({ paths: ['notify', 'realtime'], policy: true })
  const job = { table: 'orders', queue: 'emails', payload: ['id'] }
  await client.installTableJobs({
    jobs: [
      { ...job, name: 'plain' },
      { ...job, name: 'merged', coalesceBy: ['id'], onFailure: 'warn' },
    ],
  })
  const roles = await installRoles(database, { queues: ['emails'], realtimeTopic: 'aimq:jobs' })

  const functions = await database.query<{ name: string; definer: boolean; settings: string[] | null }>(`
    select p.oid::regprocedure::text as name, p.prosecdef as definer, p.proconfig as settings
    from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where n.nspname = 'aimq' order by 1`)
  expect(functions.length).toBeGreaterThan(4)
  for (const { name, definer, settings } of functions) {
    expect([name, definer]).toEqual([name, true])
    expect(settings, name).toHaveLength(1)
    expect(settings?.[0], name).toMatch(/^search_path=(""|pg_catalog, pg_temp)$/)
  }

  const granted = await database.query(`
    with objects as (
      select p.oid::regprocedure::text as object, p.proowner as owner, coalesce(p.proacl, acldefault('f', p.proowner)) as acl
        from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where n.nspname = 'aimq'
      union all select c.oid::regclass::text, c.relowner, coalesce(c.relacl, acldefault('r', c.relowner))
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'aimq' and c.relkind in ('r', 'p', 'v', 'S')
      union all select nspname, nspowner, coalesce(nspacl, acldefault('n', nspowner)) from pg_namespace where nspname = 'aimq'
    )
    select object, coalesce(r.rolname::text, 'PUBLIC') as role, a.privilege_type as right
    from objects cross join aclexplode(acl) as a left join pg_roles as r on r.oid = a.grantee
    where a.grantee <> owner order by 1, 2, 3`)
  expect(granted).toEqual(
    [
      ['aimq', roles.installer, 'CREATE'],
      ['aimq', roles.installer, 'USAGE'],
      ['aimq', roles.worker, 'USAGE'],
      ['aimq.forget_listener(uuid)', roles.worker, 'EXECUTE'],
      ['aimq.migration', roles.installer, 'DELETE'],
      ['aimq.migration', roles.installer, 'INSERT'],
      ['aimq.migration', roles.installer, 'SELECT'],
      ['aimq.migration', roles.installer, 'UPDATE'],
      ['aimq.register_listener(uuid,text[])', roles.worker, 'EXECUTE'],
    ].map(([object, role, right]) => ({ object, role, right })),
  )
})
