-- How pgmq was installed: as an extension, as plain SQL, or not at all. By the catalogue, which anybody may read.
with relation as (
  select n.nspname as schema, c.relname as name
  from pg_class as c
  join pg_namespace as n on n.oid = c.relnamespace
)
select
  exists (select from relation where schema = 'pgmq' and name = 'meta') as installed,
  (select extversion from pg_extension where extname = 'pgmq') as extension,
  exists (select from relation where schema = 'aimq' and name = 'idempotency_key') as idempotency
