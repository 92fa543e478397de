for item in
  select c.oid::regclass as relation
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relrowsecurity
    -- Others may still stand behind this wall.
    and not exists (select from pg_catalog.pg_policy where polrelid = c.oid)
    and (n.nspname = 'pgmq' and c.relname in (#tables#) or n.nspname = 'aimq' and c.relname = 'idempotency_key')
loop
  execute format('alter table %s disable row level security', item.relation);
end loop;
