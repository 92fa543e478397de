-- Where the messages of a dead-letter queue came from, and how far this redrive goes: what arrives meanwhile stays.
select
  origin, count(*)::float8 as count, max(msg_id)::text as newest
from (
  select
    msg_id
    , coalesce(
      headers -> 'x-aimq-dead-letter' ->> 'queue', --? headers
      message -> 'aimq' -> 'x-aimq-dead-letter' ->> 'queue'
    ) as origin
  from pgmq.:"queue"
  where msg_id = any (array(select json_array_elements_text(:'ids'::json)::bigint)) --? ids
) as letter
group by origin
order by origin
