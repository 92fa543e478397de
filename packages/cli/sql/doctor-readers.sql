-- Who else can read what is in the queues: pgmq grants SELECT on every queue table to pg_monitor.
select r.rolname as role
from pg_roles as r
where pg_has_role(r.oid, 'pg_monitor', 'usage')
  and r.rolname not like 'pg\_%'
  and not r.rolsuper
  and exists (
    select
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'pgmq' and c.relname like 'q\_%' and has_table_privilege('pg_monitor', c.oid, 'select')
  )
order by r.rolname
