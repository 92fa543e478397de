-- One batch of keys whose window is over, by the index on expires_at.
with gone as (
  delete from aimq.idempotency_key
  where ctid = any (array(
    select ctid from aimq.idempotency_key
    where expires_at <= statement_timestamp()
    order by expires_at
    limit :'limit'::int
    for update skip locked
  ))
  returning 1
)
select count(*)::float8 as count from gone
