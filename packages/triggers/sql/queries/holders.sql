-- Who keeps us from the tables. Without their statements, which may hold what is nobody's business.
select
  n.nspname || '.' || c.relname as table,
  a.pid,
  p.gid as prepared,
  coalesce(a.usename, p.owner)::text as role,
  nullif(a.application_name, '') as application,
  a.state,
  round(extract(epoch from clock_timestamp() - coalesce(a.xact_start, p.prepared)))::integer as seconds
from pg_catalog.pg_locks as l
join pg_catalog.pg_class as c on c.oid = l.relation
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
-- A prepared transaction is nobody's: it holds its locks until somebody commits it.
left join (
  pg_catalog.pg_locks as own join pg_catalog.pg_prepared_xacts as p on p.transaction = own.transactionid
) on l.pid is null and own.pid is null and own.virtualtransaction = l.virtualtransaction
where l.granted and l.locktype = 'relation' and l.mode not in ('AccessShareLock', 'RowShareLock')
  and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
  and n.nspname || '.' || c.relname = any ($1)
  and (a.pid <> pg_catalog.pg_backend_pid() or p.gid is not null)
order by coalesce(a.xact_start, p.prepared)
limit 3
