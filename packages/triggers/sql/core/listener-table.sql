-- Who listens, and for which queues each of them needs no hint now. Hot rows, hence the room for them on their page.
create table aimq.listener (
  id uuid primary key,
  awake text[] not null default '{}',
  seen_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);
comment on table aimq.listener is 'Listeners of AIMQ and the queues for which each needs no hint at the moment.';
revoke all on aimq.listener from public;
