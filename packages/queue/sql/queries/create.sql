-- The catalogue is asked first: pgmq's own answer is the same whether the queue was there or not.
with before as materialized (
  select exists (
    select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'pgmq' and c.relname = 'q_' || :'queue'
  ) as existed
)
select
  existed,
  pgmq.create(:'queue')::text as done --? !partitioned
  pgmq.create_partitioned(:'queue', :'partition_interval', :'retention_interval')::text as done --? partitioned
from before
