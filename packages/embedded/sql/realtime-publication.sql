-- Realtime's own name. One that publishes anything else is made anew.
do $publication$
declare
  tables text[];
begin
  select coalesce(array_agg(prrelid::regclass::text), '{}') into tables
  from pg_catalog.pg_publication
  left join pg_catalog.pg_publication_rel on prpubid = pg_publication.oid
  where pubname = 'supabase_realtime_messages_publication';
  if tables = array['realtime.messages'] then
    return;
  end if;
  drop publication if exists supabase_realtime_messages_publication;
  create publication supabase_realtime_messages_publication for table realtime.messages;
end
$publication$;
