-- Workers read, settle, extend and dead-letter, and see which queues there are.
grant usage on schema pgmq to :"role";
grant select on pgmq.meta to :"role";
-- They say that they listen, so that a database nobody listens to notifies nobody.
for item in
  select p.oid::regprocedure as function
  from pg_catalog.pg_proc as p join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where n.nspname = 'aimq' and p.proname in ('register_listener', 'forget_listener')
loop
  grant usage on schema aimq to :"role";
  execute format('grant execute on function %s to %I', item.function, :'role');
end loop;
