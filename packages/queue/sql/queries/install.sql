-- One block, so that it is one transaction over any driver and pooler, or part of the caller's. The lock makes the
-- second of two installers wait; each statement in the block then sees what the first has done.
do $install$
declare
  path pg_catalog.text := pg_catalog.current_setting('search_path');
begin
  -- Nothing that somebody planted in the caller's path runs with the caller's rights.
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  perform pg_advisory_xact_lock(hashtextextended('aimq.migration', 0));
  -- Asked of the catalogue itself: to_regnamespace answers from a cache that may be older than the lock. And not
  -- "if not exists", which asks for the right to create even where there is nothing to create.
  if not exists (select from pg_catalog.pg_namespace where nspname = 'aimq') then
    create schema aimq;
  end if;
  if not exists (
    select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'aimq' and c.relname = 'migration'
  ) then
    create table aimq.migration (
      package text not null,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default clock_timestamp(),
      primary key (package, name)
    );
    comment on table aimq.migration is 'Which SQL of which AIMQ package is installed.';
  end if;
  if exists (
    select from aimq.migration
    where package = '@aimq/queue' and name = '0001_idempotency_key' and checksum <> '#checksum#'
  ) then
    raise exception 'aimq: migration 0001_idempotency_key of @aimq/queue was installed with another checksum';
  end if;
  if not exists (select from aimq.migration where package = '@aimq/queue' and name = '0001_idempotency_key') then
    insert into aimq.migration (package, name, checksum)
    values ('@aimq/queue', '0001_idempotency_key', '#checksum#');
    #migration#
  end if;
  perform pg_catalog.set_config('search_path', path, true);
end
$install$
