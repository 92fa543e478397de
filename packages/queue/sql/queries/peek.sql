-- Looks without leasing.
select
  msg_id::text as id, read_ct as reads, date_part('epoch', enqueued_at) * 1000 as enqueued, message::text as payload,
  headers::text as headers, --? headers
  date_part('epoch', greatest(least(vt, timestamptz '9999-12-31'), timestamptz 'epoch')) * 1000 as visible
  , date_part('epoch', archived_at) * 1000 as archived --? archived
from pgmq.:"queue"
where msg_id > :'after'::bigint
order by msg_id
limit :'limit'::int
