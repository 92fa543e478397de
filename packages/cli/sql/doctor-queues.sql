-- Every queue: its tables, what this role may do there, and what autovacuum has left.
select
  m.queue_name as queue,
  c.oid is not null as has_table,
  coalesce(c.relpersistence = 'u', false) as unlogged,
  coalesce(has_schema_privilege('pgmq', 'usage'), false) as may_use_schema,
  coalesce(has_table_privilege(c.oid, 'select'), false)
    and coalesce(has_table_privilege(c.oid, 'update'), false)
    and coalesce(has_table_privilege(c.oid, 'delete'), false) as may_work,
  coalesce(has_table_privilege(c.oid, 'insert'), false) as may_send,
  coalesce(has_table_privilege(a.oid, 'select'), false)
    and coalesce(has_table_privilege(a.oid, 'insert'), false) as may_archive,
  coalesce(s.n_live_tup, 0)::bigint as live,
  coalesce(s.n_dead_tup, 0)::bigint as dead,
  greatest(s.last_vacuum, s.last_autovacuum) as vacuumed
from pgmq.meta as m
left join pg_namespace as n on n.nspname = 'pgmq'
left join pg_class as c on c.relnamespace = n.oid and c.relname = 'q_' || lower(m.queue_name)
left join pg_class as a on a.relnamespace = n.oid and a.relname = 'a_' || lower(m.queue_name)
left join pg_stat_all_tables as s on s.relid = c.oid
order by m.queue_name
