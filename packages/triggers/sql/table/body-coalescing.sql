
-- Table job #name# of AIMQ. Written by @aimq/triggers; installing it again overwrites what is changed here.
declare
  aimq_key text := jsonb_build_array(#key#)::text;
begin
  -- An index takes no long keys.
  if octet_length(aimq_key) > 500 then
    aimq_key := 'sha256 ' || encode(sha256(convert_to(aimq_key, 'UTF8')), 'hex');
  end if;
  -- A worker that is just reading the waiting job is waited for, and then this is a new one: no change is lost.
  insert into pgmq.:"queue_table" (vt, message, headers)
  values (clock_timestamp()#delay#, #payload#, jsonb_build_object('x-aimq-coalesce', :'prefix' || aimq_key))
  on conflict ((headers ->> 'x-aimq-coalesce')) where read_ct = 0 and headers ->> 'x-aimq-coalesce' is not null
  do update set message = excluded.message;
  return null;#failure#
end
