-- One row or thousands, in the order given: the identity column is evaluated after the sort. Payloads that come with
-- nothing else are a plain array, which costs half. The ids come back as one text: a row each would cost as much again.
with sent as (
  insert into pgmq.:"queue" (vt, message
    , headers --? !bare headers
  )
--? if bare
  select clock_timestamp(), item
  from jsonb_array_elements(:'messages'::jsonb) with ordinality as batch(item, position)
--? end
--? if !bare
  select
    coalesce(
      timestamptz 'epoch' + (item ->> 'due')::float8 * interval '1 microsecond',
      clock_timestamp() + coalesce((item ->> 'delay')::float8, 0) * interval '1 millisecond'
    ),
    (item -> 'payload')::jsonb
    , (item -> 'headers')::jsonb --? headers
  from json_array_elements(:'messages'::json) with ordinality as batch(item, position)
--? end
  order by position
  returning msg_id
)
select string_agg(msg_id::text, ',') as ids from sent
