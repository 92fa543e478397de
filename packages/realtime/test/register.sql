-- The register of listeners and a trigger as the triggers step installs them, in short.
create schema aimq;
create table aimq.listener (id uuid primary key, awake text[] not null default '{}', seen_at timestamptz not null);
create function aimq.register_listener(id uuid, awake text[]) returns void
language plpgsql security definer set search_path = pg_catalog as $$
begin
  insert into aimq.listener as l (id, awake, seen_at) values ($1, $2, clock_timestamp())
    on conflict on constraint listener_pkey do update set awake = excluded.awake, seen_at = excluded.seen_at;
  delete from aimq.listener where seen_at < clock_timestamp() - interval '5 minutes';
end $$;
create function aimq.forget_listener(id uuid) returns void
language sql security definer set search_path = pg_catalog
begin atomic delete from aimq.listener as l where l.id = $1; end;
create function aimq.notify_jobs() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
begin
  if exists (select from aimq.listener where tg_argv[0] <> all (awake))
     or current_setting('transaction_isolation') <> 'read committed' then
    perform pg_notify('aimq:jobs', json_build_object('event', 'job_enqueued', 'queue', tg_argv[0], 'v', 1)::text);
  end if;
  return null;
end $$;
