-- One scan of the queue and one of the archive's index.
select
  count(*)::float8 as total,
  (count(*) filter (where vt <= statement_timestamp()))::float8 as ready,
  (count(*) filter (where vt > statement_timestamp() and read_ct > 0))::float8 as leased,
  (count(*) filter (where vt > statement_timestamp() and read_ct = 0))::float8 as scheduled,
  date_part('epoch', statement_timestamp()
    - greatest(min(vt) filter (where vt <= statement_timestamp()), timestamptz 'epoch')) * 1000
    * case when count(*) filter (where vt <= statement_timestamp()) > 0 then 1 end as oldest,
  (select count(*) from pgmq.:"archive")::float8 as archived
from pgmq.:"queue"
