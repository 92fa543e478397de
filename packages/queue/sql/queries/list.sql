-- pgmq's own list, with what the tables really are.
select
  meta.queue_name::text as queue,
  coalesce(queue.relkind = 'p', meta.is_partitioned) as partitioned,
  coalesce(queue.relpersistence = 'u', meta.is_unlogged) as unlogged,
  date_part('epoch', meta.created_at) * 1000 as created
from pgmq.meta as meta
left join pg_catalog.pg_namespace as schema on schema.nspname = 'pgmq'
left join pg_catalog.pg_class as queue
  on queue.relnamespace = schema.oid and queue.relname = 'q_' || lower(meta.queue_name)
order by meta.queue_name
