-- What everybody, or whoever has the key that ships in browsers, may do with queues. Nothing is as it should be.
with strangers as (
  select 0::oid as oid, 'PUBLIC' as name
  union all
  select oid, rolname from pg_roles where rolname in ('anon', 'authenticated')
)
select s.name as role, format('%s on schema %I', lower(a.privilege_type), n.nspname) as may,
  format('revoke %s on schema %I from %s;', lower(a.privilege_type), n.nspname, s.name) as remedy
from pg_namespace as n, aclexplode(n.nspacl) as a, strangers as s
where n.nspname in ('pgmq', 'aimq') and a.grantee = s.oid
union all
select s.name, format('%s on %I.%I', string_agg(lower(a.privilege_type), ', '), n.nspname, c.relname),
  format('revoke all on %I.%I from %s;', n.nspname, c.relname, s.name)
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace, aclexplode(c.relacl) as a, strangers as s
where n.nspname in ('pgmq', 'aimq') and c.relkind in ('r', 'p', 'v', 'S') and a.grantee = s.oid
group by s.name, n.nspname, c.relname
union all
select s.name, format('execute on function %s', p.oid::regprocedure),
  format('revoke execute on function %s from %s;', p.oid::regprocedure, s.name)
from pg_proc as p
join pg_namespace as n on n.oid = p.pronamespace,
  aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a, strangers as s
-- Of pgmq's own functions, which run as whoever calls them, USAGE on the schema is what counts.
where n.nspname = 'aimq' and a.grantee = s.oid and p.prosecdef
order by 1, 2
