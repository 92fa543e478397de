-- How pgmq was installed: as an extension, as plain SQL, or not at all.
select
  to_regclass('pgmq.meta') is not null as installed,
  (select extversion from pg_extension where extname = 'pgmq') as extension,
  to_regprocedure('pgmq.create(text)') is not null as has_create,
  exists (
    select from pg_attribute where attrelid = to_regclass('pgmq.meta') and attname = 'is_unlogged'
  ) as has_meta,
  to_regclass('aimq.idempotency_key') is not null as idempotency
