-- A worker may not make tables, so what it moves dead letters to is made now.
for item in
  select wanted.queue from (values #queues#) as wanted(queue)
  where not exists (
    select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'pgmq' and c.relname = 'q_' || wanted.queue
  )
loop
  perform pgmq.create(item.queue);
end loop;
