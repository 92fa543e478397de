-- All on the database's clock. `least` and `greatest` keep 'infinity' out of the subtraction, which refuses it.
select
  date_part('epoch', greatest(least(soonest, now + interval '1 hour'), now - interval '1 hour') - now) * 1000
    * case when soonest is not null then 1 end as due,
  newest::text as id
from (
  select
    clock_timestamp() as now,
    (select min(vt) from pgmq.:"queue") as soonest,
    (select max(msg_id) from pgmq.:"queue") as newest
) as probe
