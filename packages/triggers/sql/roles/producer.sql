-- Producers send. The sequence is for idempotency keys, which are claimed for an id known beforehand.
grant usage on schema pgmq to :"role";
if exists (
  select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = 'aimq' and c.relname = 'idempotency_key'
) then
  grant usage on schema aimq to :"role";
  grant select, insert, update on aimq.idempotency_key to :"role";
end if;
