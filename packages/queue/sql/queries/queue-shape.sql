-- What this queue's own tables can do. Catalogue only: needs no right on the queue, and never fails.
select
  meta.oid is not null as pgmq,
  queue.oid is not null as found,
  coalesce(queue.relpersistence = 'u', false) as unlogged,
  coalesce(queue.relkind = 'p', false) as partitioned,
  exists (select from pg_catalog.pg_am where oid = queue.relam and amname = 'heap') as heap,
  exists (select from pg_catalog.pg_attribute where attrelid = queue.oid and attname = 'headers' and not attisdropped) as headers,
  exists (select from pg_catalog.pg_attribute where attrelid = queue.oid and attname = 'last_read_at' and not attisdropped) as lastread,
  exists (select from pg_catalog.pg_attribute where attrelid = archive.oid and attname = 'headers' and not attisdropped) as archiveheaders,
  exists (select from pg_catalog.pg_attribute where attrelid = archive.oid and attname = 'last_read_at' and not attisdropped) as archivelastread,
  case when queue.oid is null then (
    select coalesce(json_agg(substr(near.relname, 3) order by near.relname), '[]')::text
    from pg_catalog.pg_class as near
    where near.relnamespace = schema.oid and near.relname like 'q\_%' and near.relkind in ('r', 'p') and not near.relispartition
  ) end as known
from (select :'queue' as name) as wanted
left join pg_catalog.pg_namespace as schema on schema.nspname = 'pgmq'
left join pg_catalog.pg_class as meta on meta.relnamespace = schema.oid and meta.relname = 'meta'
left join pg_catalog.pg_class as queue on queue.relnamespace = schema.oid and queue.relname = 'q_' || wanted.name
left join pg_catalog.pg_class as archive on archive.relnamespace = schema.oid and archive.relname = 'a_' || wanted.name
