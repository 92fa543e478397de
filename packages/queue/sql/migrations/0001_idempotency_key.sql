-- Purpose: the keys of idempotent sends, so that the same key twice within its window is one message.
-- Breaking: no. Needs: @aimq/queue 0.1.0.
-- queue_id is the oid of the queue's table: keys of a queue that was dropped and created anew do not swallow its messages.
create table aimq.idempotency_key (
  queue text not null,
  key text not null,
  queue_id oid not null,
  message_id bigint not null,
  expires_at timestamptz not null,
  primary key (queue, key)
);
create index idempotency_key_expires_at on aimq.idempotency_key (expires_at);
comment on table aimq.idempotency_key is 'Idempotency keys of messages sent through AIMQ.';
revoke all on aimq.idempotency_key from public;
