
-- At most one waiting job per key, and it is the database that sees to it.
if exists (select from pg_catalog.pg_class where oid = :'relation'::regclass and relkind = 'p') then
  raise exception using errcode = 'feature_not_supported',
    message = 'aimq: queue ' || :'queue' || ' is partitioned: a key cannot be unique across its partitions, so its jobs cannot be coalesced';
end if;
if not exists (
  select from pg_catalog.pg_attribute where attrelid = :'relation'::regclass and attname = 'headers' and not attisdropped
) then
  raise exception using errcode = 'feature_not_supported',
    message = 'aimq: queue ' || :'queue' || ' has no column headers to hold a key, so its jobs cannot be coalesced; pgmq 1.5 or later makes it';
end if;
if not exists (
  select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = 'pgmq' and c.relname = :'index'
) then
  create unique index :"index" on pgmq.:"queue_table" ((headers ->> 'x-aimq-coalesce'))
    where read_ct = 0 and headers ->> 'x-aimq-coalesce' is not null;
end if;
