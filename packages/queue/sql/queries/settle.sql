-- Settles what is in hand and reads what is next, in one statement. The parts that are not wanted are left out.
--
-- Completions are fenced by id and enqueued_at (the work is done, whoever holds the lease), releases by read_ct as well.
-- They come as arrays, which cost a fraction of JSON; releases are rare and carry more.
-- `= any (…)` as the only condition on the index keeps every plan on one pass over the primary key, whatever the
-- statistics say. `(… in (select …)) is true` is a hashed lookup: as a join, or as a second condition on the index, the
-- whole array would be gone through for every row. For the same reason `msg_id + 0` hides the join from the index.
-- `vt <= statement_timestamp()` is what lets the read use the index on vt: clock_timestamp() alone is volatile, and makes
-- it walk over every message that is not due. `from` spares it what was read before (read-floors.ts); as a comparison of
-- rows, because the planner takes a range of `vt` with bounds that it does not know for a two-hundredth of the table, and
-- then sorts all of it. Ids begin with 1.
-- Above `from`, what another transaction is just changing, by its `xmax`, is passed by: among several workers that is most of
-- what a read meets, and trying each lock costs more than all else of it. `skip locked` is for what was locked since, and for
-- savepoints. Several that share a lock have a number of another series, which can be taken for one to come: no message
-- may be passed by for ever, so a read from the bottom tries them all. As a number that differs from another, because the
-- planner expects that of nearly every row: of a condition that it takes to be met by a third of them, it makes a sort.
-- A lease by itself does not wait for the disk (`forgettable`): a server that crashes within three times wal_writer_delay
-- (0.6 s) may forget it, and the message is there at once instead of after its lease, with the read_ct it had before. That
-- is why a smaller read_ct passes the fence, and is set right. What settles always waits, and so does a lease where the
-- server has standbys to wait for. The setting is local to this transaction, which must be ours alone.
with
--? if archive
archivable as materialized (
  select id, timestamptz 'epoch' + enqueued * interval '1 microsecond' as enqueued_at
  from unnest(:'archive_ids'::bigint[], :'archive_enqueued'::float8[]) as given(id, enqueued)
),
archived as (
  delete from pgmq.:"queue" as q
  where q.msg_id = any (:'archive_ids'::bigint[])
    and ((q.msg_id, q.enqueued_at) in (select id, enqueued_at from archivable)) is true
  returning q.msg_id, q.read_ct, q.enqueued_at, q.vt, q.message
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
deletable as materialized (
  select id, timestamptz 'epoch' + enqueued * interval '1 microsecond' as enqueued_at
  from unnest(:'delete_ids'::bigint[], :'delete_enqueued'::float8[]) as given(id, enqueued)
),
deleted as (
  delete from pgmq.:"queue" as q
  where q.msg_id = any (:'delete_ids'::bigint[])
    and ((q.msg_id, q.enqueued_at) in (select id, enqueued_at from deletable)) is true
  returning q.msg_id, q.enqueued_at
),
--? end
--? if release
releasable as materialized (
  select id, read_ct, timestamptz 'epoch' + enqueued * interval '1 microsecond' as enqueued_at, delay, headers
  from json_to_recordset(:'releases'::json)
    as given(id bigint, read_ct int, enqueued float8, delay float8, headers jsonb)
),
released as (
  update pgmq.:"queue" as q
  set vt = clock_timestamp() + s.delay * interval '1 millisecond', read_ct = s.read_ct
    , headers = case when s.headers is null then q.headers else (case when jsonb_typeof(q.headers) = 'object' then q.headers else '{}' end) || s.headers end --? headers
--? if !headers
    , message = case
        when s.headers is null then q.message
        when q.message -> 'aimq' -> 'x-aimq-envelope' is not null
          then jsonb_build_object('aimq', (q.message -> 'aimq') || s.headers, 'payload', q.message -> 'payload')
        else jsonb_build_object('aimq', '{"x-aimq-envelope": 1}'::jsonb || s.headers, 'payload', q.message)
      end
--? end
  from releasable as s
  where q.msg_id = any (array(select id from releasable))
    and q.msg_id + 0 = s.id and q.enqueued_at = s.enqueued_at and q.read_ct <= s.read_ct
  returning q.msg_id, q.enqueued_at, q.vt
),
--? end
--? if settle
settling as (
  select null::bigint as id, null::timestamptz as enqueued_at where false
  union all select id, enqueued_at from archivable --? archive
  union all select id, enqueued_at from deletable --? delete
  union all select id, enqueued_at from releasable --? release
),
touched as (
  select null::bigint as msg_id, null::timestamptz as enqueued_at, null::timestamptz as vt where false
  union all select msg_id, enqueued_at, null from archived --? archive
  union all select msg_id, enqueued_at, null from deleted --? delete
  union all select msg_id, enqueued_at, vt from released --? release
)
, --? read
--? end
--? if read
--? if heap
running as (
  select age(pg_snapshot_xmin(now)::xid) as oldest, age(pg_snapshot_xmax(now)::xid) as next,
    array(select pg_snapshot_xip(now)::xid) as ids
  from pg_current_snapshot() as now where :'from'::timestamptz > '-infinity'
),
--? end
ready as (
  select msg_id, enqueued_at, vt
  from pgmq.:"queue"
  where vt <= statement_timestamp() and (vt, msg_id) >= ((select :'from'::timestamptz), 0)
--? if heap
    and case
      when age(xmax) > (select oldest from running) then 0
      when age(xmax) <= (select next from running) or xmax = any ((select ids from running)::xid[]) then 1
      else 0
    end <> 1
--? end
    and (msg_id in (select id from settling)) is not true --? settle
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
  where q.msg_id = any (array(select msg_id from ready))
    and q.msg_id + 0 = ready.msg_id and q.enqueued_at = ready.enqueued_at
  returning q.msg_id, coalesce(q.read_ct, 1) as read_ct, q.enqueued_at, ready.vt as due_at
    , coalesce(q.message::jsonb::text, 'null') as message
    , q.headers::jsonb::text as headers --? headers
)
--? end
select
  null::text as ids, null::text as reads, null::text as enqueued, null::text as due, null::text as messages,
  null::text as headers, null::float8 as clock, null::text as lost
where false
--? if read
-- A row for all that was read, as one for each message costs both sides more than all else: lists, and JSON by lines
-- (PostgreSQL writes jsonb without line breaks). Large messages have rows of their own, so that no text grows too long.
union all
select
  string_agg(msg_id::text, ','), string_agg(read_ct::text, ','),
  string_agg((date_part('epoch', enqueued_at) * 1000)::text, ','),
  string_agg((date_part('epoch', greatest(due_at, timestamptz 'epoch')) * 1000)::text, ','),
  string_agg(message, e'\n')
  , case when count(headers) > 0 then string_agg(coalesce(headers, 'null'), e'\n') end --? headers
  , null --? !headers
  , null, null
from leased
group by case when octet_length(message) < 8192
  and coalesce(octet_length(headers), 0) < 8192 --? headers
  then 0 else msg_id end
--? end
-- The last row: what was lost, the clock, and when nothing was found what a probe would say. This statement's own changes
-- are not in its snapshot: what was completed is taken out by hand, what was released is put in. The clock is asked last.
union all
select
  newest::text, null, null,
  (date_part('epoch', greatest(least(soonest, now + interval '1 hour'), now - interval '1 hour') - now) * 1000
    * case when soonest is not null then 1 end)::text,
  null, null, date_part('epoch', now) * 1000, lost
from (
  select
--? if settle
    case when (select count(*) from settling) <> (select count(*) from touched) then (
      select json_agg(id::text)::text from settling
      where ((id, enqueued_at) in (select msg_id, enqueued_at from touched)) is not true
    ) end as lost,
--? end
--? if forgettable
    case when current_setting('synchronous_standby_names') = ''
      then set_config('synchronous_commit', 'off', true) end as not_waited_for,
--? end
    null::text as lost, --? !settle
--? if read settle
    case when not exists (select from leased) then least(
      (select min(vt) from pgmq.:"queue" where (msg_id in (select msg_id from touched)) is not true),
      (select min(vt) from touched)
    ) end as soonest,
    case when not exists (select from leased) then greatest(
      (select max(msg_id) from pgmq.:"queue" where (msg_id in (select msg_id from touched)) is not true),
      (select max(msg_id) from touched where vt is not null)
    ) end as newest,
--? end
--? if read !settle
    case when not exists (select from leased) then (select min(vt) from pgmq.:"queue") end as soonest,
    case when not exists (select from leased) then (select max(msg_id) from pgmq.:"queue") end as newest,
--? end
    null::timestamptz as soonest, null::bigint as newest, --? !read
    clock_timestamp() as now
) as moment
