-- Settles what is in hand and reads what is next, in one statement. The parts that are not wanted are left out.
--
-- Completions are fenced by id and enqueued_at (the work is done, whoever holds the lease), releases by read_ct as well.
-- `= any (array(…))` keeps every plan on the primary key, whatever the statistics say.
-- `vt <= statement_timestamp()` is what lets the read use the index on vt: clock_timestamp() alone is volatile, and makes
-- it walk over every message that is not due.
with
--? if settle
settlement as materialized (
  select n, id, action, read_ct, timestamptz 'epoch' + enqueued * interval '1 microsecond' as enqueued_at, delay, headers
  from json_to_recordset(:'settlements'::json)
    as given(n int, id bigint, action text, read_ct int, enqueued float8, delay float8, headers jsonb)
),
--? end
--? if archive
archived as (
  delete from pgmq.:"queue" as q using settlement as s
  where s.action = 'archive' and q.msg_id = any (array(select id from settlement where action = 'archive'))
    and q.msg_id = s.id and q.enqueued_at = s.enqueued_at
  returning s.n, q.msg_id, q.read_ct, q.enqueued_at, q.vt, q.message
    , q.headers --? headers
    , q.last_read_at --? last_read_at
),
filed as (
  insert into pgmq.:"archive" (msg_id, read_ct, enqueued_at, vt, message
    , headers --? headers archive_headers
    , last_read_at --? last_read_at archive_last_read_at
  )
  select msg_id, read_ct, enqueued_at, vt, message
    , headers --? headers archive_headers
    , last_read_at --? last_read_at archive_last_read_at
  from archived
  -- A copy that is there already must not keep a finished job in the queue for ever.
  on conflict do nothing
),
--? end
--? if delete
deleted as (
  delete from pgmq.:"queue" as q using settlement as s
  where s.action = 'delete' and q.msg_id = any (array(select id from settlement where action = 'delete'))
    and q.msg_id = s.id and q.enqueued_at = s.enqueued_at
  returning s.n, q.msg_id
),
--? end
--? if release
released as (
  update pgmq.:"queue" as q
  set vt = clock_timestamp() + s.delay * interval '1 millisecond'
    , headers = case when s.headers is null then q.headers else (case when jsonb_typeof(q.headers) = 'object' then q.headers else '{}' end) || s.headers end --? headers
--? if !headers
    , message = case
        when s.headers is null then q.message
        when q.message -> 'aimq' -> 'x-aimq-envelope' is not null
          then jsonb_build_object('aimq', (q.message -> 'aimq') || s.headers, 'payload', q.message -> 'payload')
        else jsonb_build_object('aimq', '{"x-aimq-envelope": 1}'::jsonb || s.headers, 'payload', q.message)
      end
--? end
  from settlement as s
  where s.action = 'release' and q.msg_id = any (array(select id from settlement where action = 'release'))
    and q.msg_id = s.id and q.enqueued_at = s.enqueued_at and q.read_ct = s.read_ct
  returning s.n, q.msg_id, q.vt
),
--? end
touched as (
  select null::int as n, null::bigint as msg_id, null::timestamptz as vt where false
  union all select n, msg_id, null from archived --? archive
  union all select n, msg_id, null from deleted --? delete
  union all select n, msg_id, vt from released --? release
)
--? if read
, ready as (
  select msg_id, enqueued_at, vt
  from pgmq.:"queue"
  where vt <= statement_timestamp()
    and msg_id <> all (array(select id from settlement)) --? settle
  order by vt
  limit :'count'::int
  for update skip locked
)
, leased as (
  update pgmq.:"queue" as q
  set vt = clock_timestamp() + :'lease'::float8 * interval '1 millisecond'
    , read_ct = q.read_ct + 1
    , last_read_at = clock_timestamp() --? last_read_at
  from ready
  where q.msg_id = any (array(select msg_id from ready)) and q.msg_id = ready.msg_id and q.enqueued_at = ready.enqueued_at
  returning q.msg_id, q.read_ct, q.enqueued_at, ready.vt as due_at, q.message
    , q.headers --? headers
)
--? end
select
  null::int as n, null::text as id, null::int as reads, null::float8 as enqueued, null::float8 as due,
  null::text as payload, null::text as headers, null::float8 as clock, null::text as kind
where false
--? if settle
union all
select n, null, null, null, null, null, null, null, 'settled' from touched
--? end
--? if read
union all
select
  null, msg_id::text, read_ct, date_part('epoch', enqueued_at) * 1000,
  date_part('epoch', greatest(due_at, timestamptz 'epoch')) * 1000, message::text
  , headers::text --? headers
  , null --? !headers
  , date_part('epoch', clock_timestamp()) * 1000, 'message'
from leased
union all
-- What a probe would say, when nothing was found. This statement's own changes are not in its snapshot: what was
-- completed is taken out by hand, what was released is put in.
select
  null, newest::text, null, null,
  date_part('epoch', greatest(least(soonest, now + interval '1 hour'), now - interval '1 hour') - now) * 1000
    * case when soonest is not null then 1 end,
  null, null, date_part('epoch', now) * 1000, 'next'
from (
  select
    clock_timestamp() as now,
    least(
      (select min(vt) from pgmq.:"queue"
        where msg_id <> all (array(select msg_id from touched)) --? settle
      ),
      (select min(vt) from touched)
    ) as soonest,
    greatest(
      (select max(msg_id) from pgmq.:"queue"
        where msg_id <> all (array(select msg_id from touched)) --? settle
      ),
      (select max(msg_id) from touched where vt is not null)
    ) as newest
) as probe
where not exists (select from leased)
--? end
