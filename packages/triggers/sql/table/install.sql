-- AIMQ: #summary#
-- Run it as a role that owns the table and may insert into the queue; safe to run again.
do #outer#
#variable_conflict use_column
declare
  #declare#
  item record;
begin
  #try#
      if not exists (select from pg_catalog.pg_namespace where nspname = 'aimq') then
        create schema aimq;
      end if;
      if not exists (
        select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'pgmq' and c.relname = :'queue_table'
      ) then
        raise exception using errcode = 'undefined_table',
          message = 'aimq: expected the queue ' || :'queue' || ', and it is not there; create it first';
      end if;
      -- Columns and expressions that the function could not use are found now, and not by the next change of the table.
      perform #check#
      from (select (null::#table_type#).*) as new, (select (null::#table_type#).*) as old, (
        select null::text as tg_op, null::name as tg_name, null::text as tg_when, null::text as tg_level, null::oid as tg_relid,
          null::name as tg_table_name, null::name as tg_table_schema, null::text[] as tg_argv, null::int as tg_nargs
      ) as trigger where false;
      #index#

create or replace function aimq.:"function"() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as #inner##body##inner#;
      -- Or anybody could make jobs of rows of their own.
      revoke all on function aimq.:"function"() from public;
      for item in
        select granted.grantee::regrole as role
        from pg_catalog.pg_proc as p, aclexplode(p.proacl) as granted
        where p.oid = ('aimq.' || quote_ident(:'function') || '()')::regprocedure and granted.grantee <> p.proowner
      loop
        execute format('revoke all on function aimq.%I() from %s', :'function', item.role);
      end loop;

      #left#
      -- Where it stood when it was installed for another table.
      for item in
        select t.tgname, t.tgrelid::regclass as relation from pg_catalog.pg_trigger as t
        where t.tgfoid = ('aimq.' || quote_ident(:'function') || '()')::regprocedure and t.tgparentid = 0
          and (t.tgname <> :'trigger' or t.tgrelid <> :'relation'::regclass)
      loop
        execute format('drop trigger %I on %s', item.tgname, item.relation);
      end loop;
      #left#
      -- The condition is read as whoever wrote it would have it read.
      perform pg_catalog.set_config('search_path', path, true);
      create or replace trigger :"trigger" #events#
      on :"schema".:"table" for each row#when#
      execute function aimq.:"function"();
      perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

      -- What was installed, to be compared with what stands later.
      execute format('comment on function aimq.%I() is %L', :'function', (
        select left(:'comment', -1) || ',"trigger":"' || md5(pg_get_triggerdef(t.oid)) || '"}'
        from pg_catalog.pg_trigger as t
        where t.tgrelid = :'relation'::regclass and t.tgname = :'trigger'
      ));
      #indexes#
  #retry#
end
#outer#;
