-- When each queue's last Realtime hint was sent.
create table aimq.last_hint (
  queue text primary key,
  sent_at timestamptz not null
) with (fillfactor = 50);
comment on table aimq.last_hint is 'When AIMQ sent the last Realtime hint of a queue.';
revoke all on aimq.last_hint from public;
