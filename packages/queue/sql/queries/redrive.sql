-- Moves dead letters to one queue, as new messages without AIMQ's own headers. Atomic: delete and insert are one.
with chosen as (
  select msg_id
  from pgmq.:"queue"
  where msg_id <= :'newest'::bigint
    and msg_id = any (array(select json_array_elements_text(:'ids'::json)::bigint)) --? ids
    and headers -> 'x-aimq-dead-letter' ->> 'queue' = :'origin' --? origin headers
    and message -> 'aimq' -> 'x-aimq-dead-letter' ->> 'queue' = :'origin' --? origin !headers
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
    (select jsonb_object_agg(key, value) from jsonb_each(headers) where key not like 'x-aimq-%') as headers
  from (
    select msg_id
      , message as payload, headers --? headers
--? if !headers
      , case when enveloped then message -> 'payload' else message end as payload
      , case when enveloped then message -> 'aimq' end as headers
--? end
    from gone
--? if !headers
    cross join lateral (
      select case jsonb_typeof(message) when 'object' then
        jsonb_typeof(message -> 'aimq') = 'object' and message -> 'payload' is not null
        and message - array['aimq', 'payload'] = '{}' else false end as enveloped
    ) as shape
--? end
  ) as unwrapped
),
sent as (
  insert into pgmq.:"target" (vt, message
    , headers --? target_headers
  )
  select clock_timestamp()
    , payload, headers --? target_headers
--? if !target_headers
    , case
        when headers is not null then jsonb_build_object('aimq', headers, 'payload', payload)
        when (case jsonb_typeof(payload) when 'object' then
            jsonb_typeof(payload -> 'aimq') = 'object' and payload -> 'payload' is not null
            and payload - array['aimq', 'payload'] = '{}' else false end)
          then jsonb_build_object('aimq', '{}'::jsonb, 'payload', payload)
        else payload
      end
--? end
  from letter
  order by msg_id
  returning msg_id
)
select count(*)::float8 as count from sent
