-- One row or thousands, in the order given: the identity column is evaluated after the sort.
insert into pgmq.:"queue" (vt, message
  , headers --? headers
)
select
  coalesce(
    timestamptz 'epoch' + (item ->> 'due')::float8 * interval '1 microsecond',
    clock_timestamp() + coalesce((item ->> 'delay')::float8, 0) * interval '1 millisecond'
  ),
  (item -> 'payload')::jsonb
  , (item -> 'headers')::jsonb --? headers
from json_array_elements(:'messages'::json) with ordinality as batch(item, position)
order by position
returning msg_id::text as id
