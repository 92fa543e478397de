-- Hints that transactions under way owe. A row lives no longer than its transaction and is seen by no other, so there
-- is nothing a crash could lose.
create unlogged table aimq.throttled_hint (
  transaction xid8 not null,
  queue text not null,
  topic text not null,
  private boolean not null,
  throttle_ms integer not null,
  jobs bigint not null,
  first_due pg_catalog.timestamptz not null,
  at_commit boolean not null default false,
  primary key (transaction, queue, topic, private)
);
comment on table aimq.throttled_hint is 'Realtime hints of AIMQ that transactions under way owe.';
revoke all on aimq.throttled_hint from public;
