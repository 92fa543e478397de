-- One partition a day, from yesterday to three days ahead; in a schema of ours also drops those of more than 72 hours ago.
do $partitions$
declare
  today date := (now() at time zone 'utc')::date;
  day date;
  old text;
begin
  if (select relkind from pg_catalog.pg_class where oid = 'realtime.messages'::regclass) <> 'p' then
    return;
  end if;
  for offset_days in -1..3 loop
    day := today + offset_days;
    if to_regclass(format('realtime.%I', to_char(day, '"messages_"YYYY_MM_DD'))) is null then
      execute format(
        'create table realtime.%I partition of realtime.messages for values from (%L) to (%L)',
        to_char(day, '"messages_"YYYY_MM_DD'), day, day + 1
      );
    end if;
  end loop;
  if obj_description('realtime'::regnamespace) is distinct from 'Installed by @aimq/embedded for its local Realtime server' then
    return;
  end if;
  for old in
    select child.relname
    from pg_catalog.pg_inherits
    join pg_catalog.pg_class child on child.oid = inhrelid
    where inhparent = 'realtime.messages'::regclass
      and child.relname ~ '^messages_\d{4}_\d{2}_\d{2}$'
      and to_date(child.relname, '"messages_"YYYY_MM_DD') < today - 3
  loop
    execute format('drop table realtime.%I', old);
  end loop;
end
$partitions$;
