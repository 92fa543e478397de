create or replace function aimq.register_listener(id uuid, awake text[]) returns void
language plpgsql volatile security definer set search_path = '' as $function$
#variable_conflict use_column
begin
  insert into aimq.listener (id, awake, seen_at)
  values (register_listener.id, coalesce(register_listener.awake, '{}'), pg_catalog.clock_timestamp())
  on conflict (id) do update set awake = excluded.awake, seen_at = excluded.seen_at;
  -- A row that nobody refreshes costs needless hints. After our own, so that we wait for nobody who waits for us, and
  -- without those that are being refreshed after all.
  delete from aimq.listener where id in (
    select id from aimq.listener
    where seen_at < pg_catalog.clock_timestamp() - interval '5 minutes' and id <> register_listener.id
    for update skip locked
  );
end
$function$;
comment on function aimq.register_listener(uuid, text[]) is 'AIMQ listener, version 1: says for which queues a listener is awake; to be repeated within five minutes.';
revoke all on function aimq.register_listener(uuid, text[]) from public;
