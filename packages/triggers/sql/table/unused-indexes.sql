-- Where nobody coalesces any more.
for item in
  select c.oid::regclass as relation
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = 'pgmq' and c.relkind = 'i' and starts_with(c.relname, 'aimq_coalesce_')
    and not exists (
      select from pg_catalog.pg_proc as p join pg_catalog.pg_namespace as s on s.oid = p.pronamespace
      where s.nspname = 'aimq' and starts_with(p.proname, 'job_')
        and position('insert into pgmq."q_' || substr(c.relname, 15) || '" (vt, message, headers)' in p.prosrc) > 0
    )
loop
  execute format('drop index %s', item.relation);
end loop;
