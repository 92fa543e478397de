-- Moves dead letters to one queue, as new messages without AIMQ's own headers. Atomic: delete and insert are one.
with chosen as (
  select msg_id
  from pgmq.:"queue"
  where msg_id <= :'newest'::bigint
    and msg_id = any (array(select json_array_elements_text(:'ids'::json)::bigint)) --? ids
--? if origin
    and coalesce(
      headers -> 'x-aimq-dead-letter' ->> 'queue', --? headers
      message -> 'aimq' -> 'x-aimq-dead-letter' ->> 'queue'
    ) = :'origin'
--? end
  order by msg_id
  limit :'limit'::int
  for update skip locked
),
gone as (
  delete from pgmq.:"queue" as q
  where q.msg_id = any (array(select msg_id from chosen))
  returning q.msg_id, q.message
    , q.headers --? headers
),
letter as (
  select msg_id, payload,
    (select jsonb_object_agg(key, value) from jsonb_each(case when jsonb_typeof(headers) = 'object' then headers else '{}' end) where key not like 'x-aimq-%') as headers
  from (
    select
      msg_id,
      case when enveloped then message -> 'payload' else message end as payload,
      case when enveloped then message -> 'aimq' else '{}'::jsonb end
        || case when jsonb_typeof(headers) = 'object' then headers else '{}' end --? headers
        as headers
    from gone
    cross join lateral (select message -> 'aimq' -> 'x-aimq-envelope' is not null as enveloped) as shape
  ) as unwrapped
),
sent as (
  insert into pgmq.:"target" (vt, message
    , headers --? target_headers
  )
  select clock_timestamp()
--? if target_headers
    , case when payload -> 'aimq' -> 'x-aimq-envelope' is not null
        then jsonb_build_object('aimq', '{"x-aimq-envelope": 1}'::jsonb, 'payload', payload) else payload end
    , headers
--? end
--? if !target_headers
    , case
        when headers is not null or payload -> 'aimq' -> 'x-aimq-envelope' is not null
          then jsonb_build_object('aimq', '{"x-aimq-envelope": 1}'::jsonb || case when jsonb_typeof(headers) = 'object' then headers else '{}' end, 'payload', payload)
        else payload
      end
--? end
  from letter
  order by msg_id
  returning msg_id
)
select count(*)::float8 as count from sent
