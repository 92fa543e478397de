-- How long jobs took that were done in the last minute, from sent to archived. By the index that pgmq puts on archived_at.
select
  count(*)::int as done,
  percentile_cont(0.5) within group (order by took) as p50_ms,
  percentile_cont(0.95) within group (order by took) as p95_ms
from (
  select (extract(epoch from archived_at - enqueued_at) * 1000)::float8 as took
  from pgmq.:"archive"
  where archived_at > clock_timestamp() - interval '60 seconds'
  order by archived_at desc
  limit 5000
) as recent
