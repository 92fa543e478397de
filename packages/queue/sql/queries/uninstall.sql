-- Takes away what install.sql made; the shared ledger and the schema only when nobody else uses them.
do $uninstall$
declare
  path pg_catalog.text := pg_catalog.current_setting('search_path');
begin
  -- Nothing that somebody planted in the caller's path runs with the caller's rights.
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  perform pg_advisory_xact_lock(hashtextextended('aimq.migration', 0));
  -- Asked of the catalogue itself: to_regnamespace answers from a cache that may be older than the lock.
  if not exists (select from pg_catalog.pg_namespace where nspname = 'aimq') then
    perform pg_catalog.set_config('search_path', path, true);
    return;
  end if;
  drop table if exists aimq.idempotency_key;
  if exists (
    select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'aimq' and c.relname = 'migration'
  ) then
    delete from aimq.migration where package = '@aimq/queue';
    if not exists (select from aimq.migration) then
      drop table aimq.migration;
    end if;
  end if;
  begin
    drop schema aimq;
  exception when dependent_objects_still_exist then
    null;
  end;
  perform pg_catalog.set_config('search_path', path, true);
end
$uninstall$
