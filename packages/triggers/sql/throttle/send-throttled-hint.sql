create or replace function aimq.send_throttled_hint() returns trigger
language plpgsql volatile security definer set search_path = '' as $function$
-- Runs as the transaction commits. A hint committed less than throttle_ms ago makes its receivers look again
-- throttle_ms + 200 after they got it (again_in_ms), which is after this commit, should that not take 200 ms: then nothing
-- is sent. In every other case, and when in doubt, one is: while another transaction is about to send one (it may yet roll back), with a
-- snapshot that may be old, when constraints are immediate and the commit is still far. Nothing is waited for.
-- A SET CONSTRAINTS ALL IMMEDIATE in the middle of a transaction looks like its commit; but then a row that is inserted
-- now fires at once, one trigger deeper. So what is to be held back is inserted again, and decided when that fires.
declare
  owed aimq.throttled_hint;
  due_in_ms bigint;
begin
  begin
    delete from aimq.throttled_hint as hint
      where hint.transaction = NEW.transaction and hint.queue = NEW.queue and hint.topic = NEW.topic and hint.private = NEW.private
      returning hint.* into owed;
    if owed.queue is null then
      return null;
    end if;
    if pg_catalog.current_setting('transaction_isolation') = 'read committed' and pg_catalog.pg_trigger_depth() = 1 then
      if exists (
        select from aimq.last_hint as last
        where last.queue = owed.queue
          and last.sent_at <= pg_catalog.clock_timestamp()
          and last.sent_at > pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => owed.throttle_ms / 1000.0)
      ) then
        if not owed.at_commit then
          insert into aimq.throttled_hint (transaction, queue, topic, private, throttle_ms, jobs, first_due, at_commit)
          values (owed.transaction, owed.queue, owed.topic, owed.private, owed.throttle_ms, owed.jobs, owed.first_due, true);
        end if;
        return null;
      end if;
      update aimq.last_hint as last set sent_at = pg_catalog.clock_timestamp()
        where last.ctid = (select free.ctid from aimq.last_hint as free where free.queue = owed.queue for update skip locked);
    end if;
  exception when others then
    raise warning 'aimq: Realtime hint for queue "%" without its throttle: %', NEW.queue, sqlerrm;
    owed := NEW;
  end;
  begin
    due_in_ms := pg_catalog.ceil(1000 * extract(epoch from greatest('0', least(owed.first_due, pg_catalog.now() + '1 year') - pg_catalog.clock_timestamp())));
    perform realtime.send(
      pg_catalog.format('{"event":"job_enqueued","queue":"%s","count":%s,"due_in_ms":%s,"again_in_ms":%s,"v":1}',
        owed.queue, owed.jobs, due_in_ms, owed.throttle_ms + 200)::pg_catalog.jsonb,
      'job_enqueued', owed.topic, owed.private);
  exception when others then
    raise warning 'aimq: no Realtime hint for queue "%": %', owed.queue, sqlerrm;
  end;
  return null;
end
$function$;
comment on function aimq.send_throttled_hint() is 'AIMQ trigger function, version 1: at commit, sends the Realtime hint that a transaction owes, unless one was just sent.';
revoke all on function aimq.send_throttled_hint() from public;
