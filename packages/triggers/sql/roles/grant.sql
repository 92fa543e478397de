-- AIMQ: #summary#
-- Run it as the owner of the queues, on Supabase as postgres; safe to run again, and worth it after something new of
-- AIMQ was installed. The roles cannot log in: give them to roles that can, as in "grant #example# to my_app;".
-- Nothing is granted to anon, authenticated or PUBLIC.
do $aimq$
declare
  #declare#
  item record;
begin
  #try#

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

  #retry#
end
$aimq$;
