
-- Table job #name# of AIMQ. Written by @aimq/triggers; installing it again overwrites what is changed here.
declare
  aimq_key text := jsonb_build_array(#key#)::text;
  aimq_job jsonb := #payload#;
  aimq_slot text;
  aimq_place text;
begin
  -- An index takes no long keys.
  if octet_length(aimq_key) > 500 then
    aimq_key := 'sha256 ' || encode(sha256(convert_to(aimq_key, 'UTF8')), 'hex');
  end if;
  aimq_key := :'prefix' || aimq_key;

  -- This transaction has written it before: its last version is where it was left. By the index every change would walk
  -- past all versions of the same transaction, and ten thousand rows of one key would take a minute. What the setting
  -- says is only a hint: it finds a waiting job of this key, or nothing.
  aimq_slot := :'slots' || abs(hashtextextended(aimq_key, 0) % 64);
  aimq_place := current_setting(aimq_slot, true);
  if starts_with(aimq_place, aimq_key || ' at (') then
    update pgmq.:"queue_table" set message = aimq_job
    where ctid = substr(aimq_place, length(aimq_key) + 5)::tid
      and read_ct = 0 and headers ->> 'x-aimq-coalesce' = aimq_key
    returning ctid::text into aimq_place;
    if found then
      perform set_config(aimq_slot, aimq_key || ' at ' || aimq_place, true);
      return null;
    end if;
  end if;

  -- A worker that is just reading the waiting job is waited for, and then this is a new one: no change is lost.
  insert into pgmq.:"queue_table" (vt, message, headers)
  values (clock_timestamp()#delay#, aimq_job, jsonb_build_object('x-aimq-coalesce', aimq_key))
  on conflict ((headers ->> 'x-aimq-coalesce')) where read_ct = 0 and headers ->> 'x-aimq-coalesce' is not null
  do update set message = excluded.message
  returning ctid::text into aimq_place;
  perform set_config(aimq_slot, aimq_key || ' at ' || aimq_place, true);
  return null;#failure#
end
