-- Takes away what install.sql made; the shared ledger and the schema only when nobody else uses them.
do $uninstall$
begin
  perform pg_advisory_xact_lock(hashtextextended('aimq.migration', 0));
  if to_regnamespace('aimq') is null then
    return;
  end if;
  drop table if exists aimq.idempotency_key;
  if to_regclass('aimq.migration') is not null then
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
end
$uninstall$
