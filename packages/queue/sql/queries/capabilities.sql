-- What the database can do. Catalogue only, so that it answers for any role.
select
  split_part(current_setting('server_version'), ' ', 1) as postgres,
  (select extversion::text from pg_catalog.pg_extension where extname = 'pgmq') as version,
  exists (
    select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'pgmq' and c.relname = 'meta'
  ) as pgmq,
  coalesce((select has_schema_privilege(n.oid, 'usage') from pg_catalog.pg_namespace as n where n.nspname = 'pgmq'), false) as allowed,
  exists (select from pg_catalog.pg_extension where extname = 'pg_partman')
    and exists (
      select from pg_catalog.pg_proc as p join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
      where n.nspname = 'pgmq' and p.proname = 'create_partitioned'
    ) as partitioned,
  exists (
    select from pg_catalog.pg_proc as p join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = 'pgmq' and p.proname = 'drop_queue' and p.pronargs = 1
  ) as dropsbyname,
  exists (
    select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'aimq' and c.relname = 'idempotency_key'
  ) as idempotency,
  current_setting('transaction_read_only') = 'on' as readonly,
  current_user::text as role
