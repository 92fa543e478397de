-- One batch, oldest first, by the index on archived_at.
with old as (
  select msg_id, archived_at
  from pgmq.:"archive"
  where archived_at < statement_timestamp() - :'age'::float8 * interval '1 millisecond'
  order by archived_at
  limit :'limit'::int
  for update skip locked
),
gone as (
  delete from pgmq.:"archive" as a using old
  where a.msg_id = any (array(select msg_id from old)) and a.msg_id = old.msg_id and a.archived_at = old.archived_at
  returning a.msg_id
)
select count(*)::float8 as count from gone
