-- Moves messages to their dead-letter queue. One statement, so that each is in exactly one of the two queues whatever
-- dies when. Without a column for headers they travel in an envelope (see message.ts), which is opened here if there is one.
with settlement as materialized (
  select n, id, read_ct, timestamptz 'epoch' + enqueued * interval '1 microsecond' as enqueued_at, reason, error, headers
  from json_to_recordset(:'settlements'::json)
    as given(n int, id bigint, read_ct int, enqueued float8, reason text, error jsonb, headers jsonb)
),
gone as (
  delete from pgmq.:"queue" as q using settlement as s
  where q.msg_id = any (array(select id from settlement))
    and q.msg_id = s.id and q.enqueued_at = s.enqueued_at and q.read_ct <= s.read_ct
  returning s.n, q.msg_id, s.read_ct, q.enqueued_at, s.reason, s.error, s.headers as added, q.message
    , q.headers --? headers
),
letter as materialized (
  select
    row_number() over (order by msg_id) as rank, n, msg_id,
    case when enveloped then message -> 'payload' else message end as payload,
    case when enveloped then (message -> 'aimq') - 'x-aimq-envelope' else '{}'::jsonb end
      || case when jsonb_typeof(headers) = 'object' then headers else '{}' end --? headers
      || coalesce(added, '{}')
      || jsonb_build_object('x-aimq-dead-letter', jsonb_strip_nulls(jsonb_build_object(
        'queue', :'name', 'id', msg_id::text, 'readCount', read_ct,
        'enqueuedAt', date_part('epoch', enqueued_at) * 1000,
        'deadLetteredAt', date_part('epoch', clock_timestamp()) * 1000,
        'reason', reason, 'error', error))) as headers
  from gone
  cross join lateral (select message -> 'aimq' -> 'x-aimq-envelope' is not null as enveloped) as shape
),
stored as (
  insert into pgmq.:"dead_letter" (vt, message
    , headers --? dead_letter_headers
  )
  select clock_timestamp()
--? if dead_letter_headers
    , case when payload -> 'aimq' -> 'x-aimq-envelope' is not null
        then jsonb_build_object('aimq', '{"x-aimq-envelope": 1}'::jsonb, 'payload', payload) else payload end
    , headers
--? end
    , jsonb_build_object('aimq', '{"x-aimq-envelope": 1}'::jsonb || headers, 'payload', payload) --? !dead_letter_headers
  from letter order by rank
  returning msg_id
)
-- Ids are given out in the order of the insert, so that the two sides pair by rank without a right to read the headers.
select letter.n, arrived.msg_id::text as id
from letter join (select msg_id, row_number() over (order by msg_id) as rank from stored) as arrived using (rank)
