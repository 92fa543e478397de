-- Hints and canaries by realtime.send, to this one topic.
if exists (
  select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = 'realtime' and c.relname = 'messages'
) then
  grant usage on schema realtime to :"role";
  grant insert on realtime.messages to :"role";
  if not exists (
    select from pg_catalog.pg_policy where polrelid = 'realtime.messages'::regclass and polname = :'policy'
  ) then
    create policy :"policy" on realtime.messages for insert to :"role"
      with check (extension = 'broadcast' and topic = :'topic');
  end if;
end if;
