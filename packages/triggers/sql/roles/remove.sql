-- AIMQ: takes back what the roles may do with queues #queues#, and drops each role that may do nothing any more.
-- Queues and messages stay. Run it as the role that ran the other file. A dead-letter queue that is not named after its
-- queue may be shared: a role that has another queue keeps it.
do $aimq$
declare
  #declare#
  item record;
  shared record;
  busy pg_catalog.name[];
begin
  #try#

      -- Roles with another queue.
      busy := array(
        select r.rolname from pg_catalog.pg_roles as r
        where r.rolname in (#roles#) and exists (
          select from pg_catalog.pg_shdepend as d
          join pg_catalog.pg_class as c on c.oid = d.objid
          join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
          where d.refobjid = r.oid and d.refclassid = 'pg_catalog.pg_authid'::regclass and d.deptype = 'a'
            and d.dbid = (select oid from pg_catalog.pg_database where datname = current_database())
            and d.classid = 'pg_catalog.pg_class'::regclass and n.nspname = 'pgmq'
            and c.relkind in ('r', 'p') and c.relname like 'q\_%' and c.relname not in (#relations#, #shared#)
        )
      );

      for item in
        select p.polname, p.polrelid::regclass as relation
        from pg_catalog.pg_policy as p
        where (p.polname in (#roles#) and p.polrelid in (
            select c.oid from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
            where n.nspname = 'pgmq'
              and (c.relname in (#relations#) or c.relname in (#shared#) and p.polname <> all (busy))
          ))
          or p.polname in (#key_policies#)
      loop
        execute format('drop policy %I on %s', item.polname, item.relation);
      end loop;
      #row_security#

      for item in
        select c.oid::regclass as relation, c.relkind, r.rolname
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        cross join pg_catalog.pg_roles as r
        where n.nspname = 'pgmq' and r.rolname in (#roles#)
          and (c.relname in (#relations#) or c.relname in (#shared#) and r.rolname <> all (busy))
      loop
        execute format(
          'revoke all on %s %s from %I',
          case item.relkind when 'S' then 'sequence' else 'table' end, item.relation, item.rolname
        );
      end loop;

      -- A role with another queue left keeps what it needs for that.
      for item in
        select r.rolname, r.oid
        from pg_catalog.pg_roles as r
        where r.rolname in (#roles#)
          and not exists (
            select from pg_catalog.pg_shdepend as d
            join pg_catalog.pg_class as c on c.oid = d.objid
            join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
            where d.refobjid = r.oid and d.refclassid = 'pg_catalog.pg_authid'::regclass and d.deptype = 'a'
              and d.dbid = (select oid from pg_catalog.pg_database where datname = current_database())
              and d.classid = 'pg_catalog.pg_class'::regclass and n.nspname = 'pgmq' and c.relname like 'q\_%'
          )
      loop
        for shared in
          select polname, polrelid::regclass as relation from pg_catalog.pg_policy
          where (item.rolname, polname) in (#hint_policies#)
        loop
          execute format('drop policy %I on %s', shared.polname, shared.relation);
        end loop;
        for shared in
          select case d.classid
              when 'pg_catalog.pg_class'::regclass then 'table ' || d.objid::regclass
              when 'pg_catalog.pg_namespace'::regclass then 'schema ' || d.objid::regnamespace
              when 'pg_catalog.pg_proc'::regclass then 'function ' || d.objid::regprocedure
              when 'pg_catalog.pg_database'::regclass then 'database ' || quote_ident(current_database())
            end as object
          from pg_catalog.pg_shdepend as d
          where d.refobjid = item.oid and d.refclassid = 'pg_catalog.pg_authid'::regclass and d.deptype = 'a'
            and (
              d.dbid = (select oid from pg_catalog.pg_database where datname = current_database())
                and case d.classid
                  when 'pg_catalog.pg_class'::regclass then exists (
                    select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
                    where c.oid = d.objid and (n.nspname, c.relname) in (
                      ('pgmq', 'meta'), ('aimq', 'idempotency_key'), ('aimq', 'migration'), ('realtime', 'messages')
                    )
                  )
                  when 'pg_catalog.pg_namespace'::regclass then exists (
                    select from pg_catalog.pg_namespace where oid = d.objid and nspname in ('pgmq', 'aimq', 'realtime')
                  )
                  when 'pg_catalog.pg_proc'::regclass then exists (
                    select from pg_catalog.pg_proc as f join pg_catalog.pg_namespace as n on n.oid = f.pronamespace
                    where f.oid = d.objid and n.nspname = 'aimq'
                  )
                  else false
                end
              or d.classid = 'pg_catalog.pg_database'::regclass
                and d.objid = (select oid from pg_catalog.pg_database where datname = current_database())
            )
        loop
          execute format('revoke all on %s from %I', shared.object, item.rolname);
        end loop;
        begin
          execute format('drop role %I', item.rolname);
        exception when dependent_objects_still_exist then
          raise notice 'role % stays: it owns something, or has rights elsewhere', item.rolname;
        end;
      end loop;

  #retry#
end
$aimq$;
