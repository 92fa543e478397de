-- Who keeps us from the tables. Without their statements, which may hold what is nobody's business.
select
  n.nspname || '.' || c.relname as table,
  a.pid,
  a.usename::text as role,
  nullif(a.application_name, '') as application,
  a.state,
  round(extract(epoch from clock_timestamp() - a.xact_start))::integer as seconds
from pg_catalog.pg_locks as l
join pg_catalog.pg_class as c on c.oid = l.relation
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_stat_activity as a on a.pid = l.pid
where l.granted and l.locktype = 'relation' and l.mode not in ('AccessShareLock', 'RowShareLock')
  and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
  and n.nspname || '.' || c.relname = any ($1)
  and l.pid <> pg_catalog.pg_backend_pid()
order by a.xact_start
limit 3
