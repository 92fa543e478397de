-- All that we compare with what should be there, out of the catalogue only, so that it answers for any role.
select
  split_part(current_setting('server_version'), ' ', 1) as postgres,
  exists (select from pg_catalog.pg_namespace where nspname = 'aimq') as schema,
  exists (
    select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'pgmq' and c.relname = 'meta'
  ) as pgmq,
  exists (
    select from pg_catalog.pg_proc as p join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = 'realtime' and p.proname = 'send'
  ) as realtime,
  exists (
    select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'realtime' and c.relname = 'messages'
  ) as messages,
  (
    select coalesce(json_agg(json_build_object(
      'name', p.proname,
      'arguments', pg_catalog.pg_get_function_identity_arguments(p.oid),
      'body', p.prosrc,
      'language', l.lanname,
      'definer', p.prosecdef,
      'volatility', p.provolatile,
      'settings', p.proconfig,
      'comment', pg_catalog.obj_description(p.oid, 'pg_proc'),
      'public', exists (
        select from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) where grantee = 0
      )
    ) order by p.proname, p.oid), '[]')
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    join pg_catalog.pg_language as l on l.oid = p.prolang
    where n.nspname = 'aimq'
  ) as functions,
  (
    select coalesce(json_agg(json_build_object(
      'schema', n.nspname,
      'name', c.relname,
      'kind', c.relkind,
      'persistence', c.relpersistence,
      'owned', pg_catalog.pg_has_role(c.relowner, 'usage'),
      'columns', (
        select json_agg(a.attname order by a.attnum) from pg_catalog.pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      ),
      'public', exists (
        select from pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) where grantee = 0
      )
    ) order by n.nspname, c.relname), '[]')
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition
      and (n.nspname = 'aimq' or n.nspname = 'pgmq' and c.relname like 'q\_%')
  ) as tables,
  (
    select coalesce(json_agg(json_build_object(
      'name', t.tgname,
      'schema', n.nspname,
      'table', c.relname,
      'function', json_build_object(
        'schema', fn.nspname,
        'name', f.proname,
        'settings', f.proconfig,
        'body', case f.proname when 'pgmq_notify_job_enqueued' then f.prosrc end
      ),
      'enabled', t.tgenabled,
      'arguments', encode(t.tgargs, 'hex'),
      'definition', pg_catalog.pg_get_triggerdef(t.oid),
      'comment', pg_catalog.obj_description(t.oid, 'pg_trigger')
    ) order by n.nspname, c.relname, t.tgname), '[]')
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_proc as f on f.oid = t.tgfoid
    join pg_catalog.pg_namespace as fn on fn.oid = f.pronamespace
    where not t.tgisinternal and t.tgparentid = 0
      and (fn.nspname = 'aimq' or n.nspname = 'aimq' or n.nspname = 'pgmq' and c.relname like 'q\_%')
  ) as triggers,
  -- What the Python project lets the roles of Supabase call that anybody can have.
  (
    select coalesce(json_agg(json_build_object(
      'name', p.proname,
      'signature', p.oid::regprocedure,
      'definer', p.prosecdef,
      'callers', allowed.callers
    ) order by p.proname, p.oid), '[]')
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    cross join lateral (
      select json_agg(coalesce(r.rolname, 'PUBLIC') order by r.rolname) as callers
      from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) as a
      left join pg_catalog.pg_roles as r on r.oid = a.grantee
      where a.grantee = 0 or r.rolname in ('anon', 'authenticated')
    ) as allowed
    where n.nspname = 'pgmq_public' and allowed.callers is not null
  ) as exposed,
  (
    select coalesce(json_agg(json_build_object(
      'name', p.polname,
      'command', p.polcmd,
      'roles', (select json_agg(r.rolname order by r.rolname) from pg_catalog.pg_roles as r where r.oid = any (p.polroles)),
      'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid)
    ) order by p.polname), '[]')
    from pg_catalog.pg_policy as p
    join pg_catalog.pg_class as c on c.oid = p.polrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'realtime' and c.relname = 'messages'
  ) as policies,
  -- Sessions in which no trigger fires, as far as that is a setting of theirs from the start.
  (
    select coalesce(json_agg(concat_ws(
      ' in ',
      case when s.setrole <> 0 then format('role %I', r.rolname) when s.setdatabase = 0 then 'role all' end,
      case when s.setdatabase <> 0 then format('database %I', d.datname) end
    ) order by s.setdatabase, s.setrole), '[]')
    from pg_catalog.pg_db_role_setting as s
    left join pg_catalog.pg_roles as r on r.oid = s.setrole
    left join pg_catalog.pg_database as d on d.oid = s.setdatabase
    where 'session_replication_role=replica' = any (s.setconfig)
      and (s.setdatabase = 0 or d.datname = current_database())
  ) as replicas
