-- The installer makes schema aimq and the triggers, and owns what it made. It may not drop a trigger of a table that
-- is not its own: remove triggers as the owner of the queue.
grant usage on schema pgmq to :"role";
grant select on pgmq.meta to :"role";
if exists (select from pg_catalog.pg_namespace where nspname = 'aimq') then
  grant usage, create on schema aimq to :"role";
  if exists (
    select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'aimq' and c.relname = 'migration'
  ) then
    grant select, insert, update, delete on aimq.migration to :"role";
  end if;
  execute format('revoke create on database %I from %I', current_database(), :'role');
else
  -- Once, for the schema: run this file again after the installation, and the right is taken back.
  execute format('grant create on database %I to %I', current_database(), :'role');
end if;
