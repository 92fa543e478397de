create or replace function aimq.notify_job_enqueued() returns trigger
language plpgsql volatile security definer set search_path = '' as $function$
-- Arguments, fixed when the trigger is made: version, queue, channel and topic, NOTIFY (off, asleep, always),
-- Realtime (off, private, public), throttle of Realtime in milliseconds. A trigger of an earlier version lacks some: what
-- is not there means notify.
--
-- NOTIFY makes commits wait for one another, so it is left out while every listener is awake for this queue. That
-- loses no wake-up: this transaction has its number (the insert came first), and what follows looks with a snapshot
-- taken now. A listener that falls asleep commits its row, then draws a transaction number B, waits until every
-- transaction numbered below B has ended, and looks at the queue once more. Numbered below B: it waited for us and
-- finds our messages. Numbered above: its row was committed before we look, and we notify. Only in repeatable read and
-- serializable is the snapshot older than the number: there we notify always. And whenever in doubt.
--
-- The way through for a busy queue is two short conditions and one query: what is declared, computed or assigned costs
-- every sender, and a query that is part of a condition costs more than one by itself.
declare
  all_awake boolean;
  jobs bigint;
  first_due pg_catalog.timestamptz;
  due_in_ms bigint;
  hint pg_catalog.text;
begin
  begin
    if TG_ARGV[3] = 'asleep' and pg_catalog.current_setting('transaction_isolation') = 'read committed' then
      perform from aimq.listener where TG_ARGV[1] <> all (awake);
      if not found then
        if TG_ARGV[4] = 'off' then
          return null;
        end if;
        all_awake := true;
      end if;
    end if;
  exception when others then
    raise warning 'aimq: queue "%" could not see who listens, and notifies: %', TG_ARGV[1], sqlerrm;
  end;

  begin
    select pg_catalog.count(*), pg_catalog.min(vt) into jobs, first_due from inserted;
    if jobs = 0 then
      return null;
    end if;
    -- A vt may be 'infinity', from which nothing can be subtracted.
    due_in_ms := pg_catalog.ceil(1000 * extract(epoch from greatest('0', least(first_due, pg_catalog.now() + '1 year') - pg_catalog.clock_timestamp())));
  exception when others then
    raise warning 'aimq: queue "%" could not count what was sent: %', TG_ARGV[1], sqlerrm;
    jobs := 1;
    first_due := pg_catalog.now();
    due_in_ms := 0;
  end;
  hint := pg_catalog.format('{"event":"job_enqueued","queue":"%s","count":%s,"due_in_ms":%s,"v":1}',
    coalesce(TG_ARGV[1], pg_catalog.substr(TG_TABLE_NAME, 3)), jobs, due_in_ms);

  if all_awake is null and TG_ARGV[3] is distinct from 'off' then
    begin
      -- A full queue of notifications would fail the commit, where nothing can catch it.
      if pg_catalog.pg_notification_queue_usage() < 0.9 then
        perform pg_catalog.pg_notify(coalesce(TG_ARGV[2], 'aimq:jobs'), hint);
      else
        raise warning 'aimq: no notification for queue "%": too many wait for a session that listens and is in a long transaction', TG_ARGV[1];
      end if;
    exception when others then
      raise warning 'aimq: no notification for queue "%": %', TG_ARGV[1], sqlerrm;
    end;
  end if;

  if TG_ARGV[4] <> 'off' then
    begin
      if TG_ARGV[5] = '0' then
        perform realtime.send(hint::pg_catalog.jsonb, 'job_enqueued', TG_ARGV[2], TG_ARGV[4] = 'private');
      else
        -- Sent when the transaction commits, by aimq.send_throttled_hint().
        insert into aimq.throttled_hint as mine (transaction, queue, topic, private, throttle_ms, jobs, first_due)
        values (pg_catalog.pg_current_xact_id(), TG_ARGV[1], TG_ARGV[2], TG_ARGV[4] = 'private', TG_ARGV[5]::integer, jobs, first_due)
        on conflict (transaction, queue, topic, private) do update
          set jobs = mine.jobs + excluded.jobs, first_due = least(mine.first_due, excluded.first_due);
      end if;
    exception when others then
      raise warning 'aimq: no Realtime hint for queue "%": %', TG_ARGV[1], sqlerrm;
    end;
  end if;
  return null;
end
$function$;
comment on function aimq.notify_job_enqueued() is 'AIMQ trigger function, version 1: tells workers of messages that were just sent.';
revoke all on function aimq.notify_job_enqueued() from public;
