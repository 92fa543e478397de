-- Every table job, found by its function.
select
  substr(p.proname, 5) as name,
  obj_description(p.oid, 'pg_proc') as comment,
  p.prosrc as source,
  p.prosecdef and p.proconfig = array['search_path=pg_catalog, pg_temp'] as secured,
  exists (
    select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as granted
    where granted.grantee <> p.proowner
  ) as granted,
  t.tgrelid is not null as installed,
  t.tgenabled::text as enabled,
  s.nspname::text as schema,
  c.relname::text as table,
  (select coalesce(json_agg(a.attname), '[]')::text from pg_attribute as a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ) as columns,
  md5(pg_get_triggerdef(t.oid)) as definition,
  (select coalesce(json_agg(q.relname), '[]')::text from pg_class as q join pg_namespace as qs on qs.oid = q.relnamespace
    where qs.nspname = 'pgmq' and (q.relkind in ('r', 'p') and q.relname like 'q\_%' or q.relkind = 'i' and q.relname like 'aimq\_coalesce\_%')
  ) as queues,
  exists (
    select from pg_db_role_setting as s
    where 'session_replication_role=replica' = any (s.setconfig)
      and (s.setdatabase = 0 or s.setdatabase = (select oid from pg_database where datname = current_database()))
  ) as replicas
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace and n.nspname = 'aimq'
left join pg_catalog.pg_trigger as t
  on t.tgfoid = p.oid and t.tgparentid = 0 and t.tgname = 'aimq_' || p.proname
left join pg_catalog.pg_class as c on c.oid = t.tgrelid
left join pg_catalog.pg_namespace as s on s.oid = c.relnamespace
where p.proname like 'job\_%' and p.prorettype = 'pg_catalog.trigger'::regtype
order by p.proname
