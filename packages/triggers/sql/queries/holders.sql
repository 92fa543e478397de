-- Who keeps us from the tables, or is installing. Without their statements, which may hold what is nobody's business.
select
  coalesce(n.nspname || '.' || c.relname, 'the lock of all installers') as table,
  a.pid,
  p.gid as prepared,
  coalesce(a.usename, p.owner)::text as role,
  nullif(a.application_name, '') as application,
  a.state,
  round(extract(epoch from clock_timestamp() - coalesce(a.xact_start, p.prepared)))::integer as seconds
from pg_catalog.pg_locks as l
left join pg_catalog.pg_class as c on l.locktype = 'relation' and c.oid = l.relation
left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
-- A prepared transaction is nobody's: it holds its locks until somebody commits it.
left join (
  pg_catalog.pg_locks as own join pg_catalog.pg_prepared_xacts as p on p.transaction = own.transactionid
) on l.pid is null and own.pid is null and own.virtualtransaction = l.virtualtransaction
where l.granted and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
  and (
    l.locktype = 'relation' and l.mode not in ('AccessShareLock', 'RowShareLock')
      and n.nspname || '.' || c.relname = any ($1)
    or l.locktype = 'advisory' and l.objsubid = 1
      and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('aimq.migration', 0)
  )
  and (a.pid <> pg_catalog.pg_backend_pid() or p.gid is not null)
order by coalesce(a.xact_start, p.prepared)
limit 3
