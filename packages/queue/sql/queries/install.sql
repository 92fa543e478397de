-- One block, so that it is one transaction over any driver and pooler, or part of the caller's. The lock makes the
-- second of two installers wait; each statement in the block then sees what the first has done.
do $install$
begin
  perform pg_advisory_xact_lock(hashtextextended('aimq.migration', 0));
  -- Not "if not exists": that asks for the right to create even where there is nothing to create.
  if to_regnamespace('aimq') is null then
    create schema aimq;
  end if;
  if to_regclass('aimq.migration') is null then
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
end
$install$
