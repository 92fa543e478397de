do $block$
begin
  if exists (
    select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'aimq' and c.relname = 'migration'
  ) then
    if not exists (select from aimq.migration) then
      drop table aimq.migration;
    end if;
  end if;
  begin
    drop schema aimq;
  exception when dependent_objects_still_exist then
    null;
  end;
end
$block$;
