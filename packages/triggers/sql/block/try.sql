-- Nothing is run that somebody else put into a schema of the search path.
perform pg_catalog.set_config('search_path', '#path#', true);
perform pg_advisory_xact_lock(hashtextextended('aimq.migration', 0));
-- Never makes anybody wait for longer than this behind a busy table: lets go of all, and tries again a little later.
-- Whoever runs it with this timeout tries again himself.
tries := case waited when '#ms#ms' then 1 else 40 end;
for attempt in 1 .. tries loop
  begin
    tried := clock_timestamp();
    perform set_config('lock_timeout', '#ms#ms', true);
