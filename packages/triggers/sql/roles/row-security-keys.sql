-- Where row-level security is on, a producer claims idempotency keys of its own queues only.
if exists (
  select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = 'aimq' and c.relname = 'idempotency_key' and (c.relrowsecurity or #row_security#)
) then
  #enable#
  for item in
    select wanted.queue, wanted.policy from (values #queues#) as wanted(queue, policy)
    where not exists (
      select from pg_catalog.pg_policy
      where polrelid = 'aimq.idempotency_key'::regclass and polname = wanted.policy
    )
  loop
    execute format(
      'create policy %I on aimq.idempotency_key to %I using (queue = %L) with check (queue = %L)',
      item.policy, :'role', item.queue, item.queue
    );
  end loop;
end if;
