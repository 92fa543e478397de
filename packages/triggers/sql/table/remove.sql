-- AIMQ: removes the table job #name#. Jobs that wait stay.
do $aimq$
declare
  waited pg_catalog.text := pg_catalog.current_setting('lock_timeout');
  path pg_catalog.text := pg_catalog.current_setting('search_path');
  item record;
begin
  -- Nothing is run that somebody else put into a schema of the search path.
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  if waited = '0' then
    perform set_config('lock_timeout', '5s', true);
  end if;
  perform pg_advisory_xact_lock(hashtextextended('aimq.migration', 0));
  if exists (
    select from pg_catalog.pg_proc as p join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = 'aimq' and p.proname = :'function' and p.pronargs = 0
  ) then
    -- The trigger goes with it, from whichever table.
    drop function aimq.:"function"() cascade;
  end if;
  #indexes#
  begin
    drop schema if exists aimq;
  exception when dependent_objects_still_exist or insufficient_privilege then
    null;
  end;
  perform set_config('lock_timeout', waited, true);
  perform pg_catalog.set_config('search_path', path, true);
end
$aimq$;
