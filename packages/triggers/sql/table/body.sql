
-- Table job #name# of AIMQ. Written by @aimq/triggers; installing it again overwrites what is changed here.
begin
  insert into pgmq.:"queue_table" (vt, message)
  values (clock_timestamp()#delay#, #payload#);
  return null;#failure#
end
