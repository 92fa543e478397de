-- The second wall, as asked for.
for item in
  select c.relname from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = 'pgmq' and c.relname in (#tables#) and not c.relrowsecurity
loop
  execute format('alter table pgmq.%I enable row level security', item.relname);
end loop;
