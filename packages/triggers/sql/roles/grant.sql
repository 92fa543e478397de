-- AIMQ: #summary#
-- Run it as the owner of the queues, on Supabase as postgres; safe to run again, and worth it after something new of
-- AIMQ was installed. The roles cannot log in: give them to roles that can, as in "grant #example# to my_app;".
-- Nothing is granted to anon, authenticated or PUBLIC.
do $aimq$
declare
  waited pg_catalog.text := pg_catalog.current_setting('lock_timeout');
  path pg_catalog.text := pg_catalog.current_setting('search_path');
  item record;
begin
  -- Nothing is run that somebody else put into a schema of the search path.
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  if waited = '0' then
    perform set_config('lock_timeout', '5s', true);
  end if;
  perform pg_advisory_xact_lock(hashtextextended('aimq.migration', 0));

  -- Roles belong to the whole server: another database may make one at the same moment.
  for item in
    select wanted.role from (values #roles#) as wanted(role)
    where not exists (select from pg_catalog.pg_roles where rolname = wanted.role)
  loop
    begin
      execute format('create role %I nologin', item.role);
    exception when duplicate_object or unique_violation then
      null;
    end;
  end loop;

  #prepared#
  #grants#

  -- Where row-level security is on, grants alone let nobody in. Which commands a role may use is up to its grants.
  for item in
    select wanted.relation, wanted.role
    from (values
      #policies#
    ) as wanted(relation, role)
    join pg_catalog.pg_class as c on c.oid = ('pgmq.' || quote_ident(wanted.relation))::regclass
    where c.relrowsecurity
      and not exists (select from pg_catalog.pg_policy as p where p.polrelid = c.oid and p.polname = wanted.role)
  loop
    execute format('create policy %I on pgmq.%I to %I using (true) with check (true)', item.role, item.relation, item.role);
  end loop;
  #keys#

  perform set_config('lock_timeout', waited, true);
  perform pg_catalog.set_config('search_path', path, true);
end
$aimq$;
