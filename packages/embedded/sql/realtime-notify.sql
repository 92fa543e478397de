-- Only where wal_level is not logical. Notifies the key alone: a payload over 8000 bytes would make realtime.send fail.
create or replace function realtime.aimq_notify_message() returns trigger language plpgsql as $$
begin
  perform pg_notify('aimq_local_realtime', new.id || ' ' || new.inserted_at);
  return null;
end
$$;

create or replace trigger aimq_notify_message after insert on realtime.messages
  for each row when (new.extension = 'broadcast') execute function realtime.aimq_notify_message();
