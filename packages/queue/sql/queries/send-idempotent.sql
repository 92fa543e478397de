-- Claims the keys and inserts what was claimed, in one statement. Ids come from the queue's own sequence beforehand, so
-- that a claim can name the message it stands for. Claims are made in the order of the keys: two batches that share
-- keys wait for each other and never deadlock. A claim whose producer has not committed yet is waited for; its row is
-- not in this statement's snapshot, so its id comes back as null and is looked up by idempotency-lookup.sql.
with batch as materialized (
  select
    position, item, item ->> 'key' as key,
    nextval((select pg_get_serial_sequence(:'table', 'msg_id')::regclass)) as id
  from (
    select item, position from json_array_elements(:'messages'::json) with ordinality as elements(item, position)
    order by position
  ) as ordered
),
wanted as (
  -- A key twice in one batch is one message: the first.
  select distinct on (key collate "C") key, id from batch where key is not null order by key collate "C", position
),
claimed as (
  insert into aimq.idempotency_key as known (queue, key, queue_id, message_id, expires_at)
  select :'name', key, to_regclass(:'table')::oid, id, clock_timestamp() + :'window'::float8 * interval '1 millisecond'
  from wanted
  order by key collate "C"
  on conflict (queue, key) do update
    set queue_id = excluded.queue_id, message_id = excluded.message_id, expires_at = excluded.expires_at
    where known.expires_at <= clock_timestamp() or known.queue_id <> excluded.queue_id
  returning key, message_id
),
sent as (
  insert into pgmq.:"queue" (msg_id, vt, message
    , headers --? headers
  ) overriding system value
  select
    batch.id,
    coalesce(
      timestamptz 'epoch' + (item ->> 'due')::float8 * interval '1 microsecond',
      clock_timestamp() + coalesce((item ->> 'delay')::float8, 0) * interval '1 millisecond'
    ),
    (item -> 'payload')::jsonb
    , (item -> 'headers')::jsonb --? headers
  from batch left join claimed on claimed.message_id = batch.id
  where batch.key is null or claimed.message_id is not null
  order by position
)
select
  (case when batch.key is null then batch.id else coalesce(claimed.message_id, known.message_id) end)::text as id,
  batch.key is not null and claimed.message_id is distinct from batch.id as duplicate
from batch
left join claimed on claimed.key = batch.key
left join aimq.idempotency_key as known
  on known.queue = :'name' and known.key = batch.key
  and known.expires_at > statement_timestamp() and known.queue_id = to_regclass(:'table')::oid
order by batch.position
