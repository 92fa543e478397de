-- Renews every lease named, each only while it is still the one we were given; or was forgotten in a crash, and nobody has
-- had the message since, which a smaller read_ct says (see settle.sql).
with lease as materialized (
  select n, id, read_ct, timestamptz 'epoch' + enqueued * interval '1 microsecond' as enqueued_at
  from json_to_recordset(:'leases'::json) as given(n int, id bigint, read_ct int, enqueued float8)
)
update pgmq.:"queue" as q
set vt = clock_timestamp() + :'lease'::float8 * interval '1 millisecond', read_ct = lease.read_ct
from lease
where q.msg_id = any (array(select id from lease))
  and q.msg_id = lease.id and q.enqueued_at = lease.enqueued_at and q.read_ct <= lease.read_ct
returning lease.n as n
