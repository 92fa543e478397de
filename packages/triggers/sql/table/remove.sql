-- AIMQ: removes the table job #name#. Jobs that wait stay.
do $aimq$
declare
  #declare#
  item record;
begin
  #try#
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
  #retry#
end
$aimq$;
