-- Every policy on realtime.messages, and whether they count.
select
  p.polname as policy,
  case p.polcmd when 'r' then 'select' when 'a' then 'insert' when '*' then 'all' else p.polcmd::text end as command,
  p.polpermissive as permissive,
  array(select case r when 0 then 'public' else pg_get_userbyid(r)::text end from unnest(p.polroles) as r) as roles,
  pg_get_expr(p.polqual, p.polrelid) as using_expression,
  pg_get_expr(p.polwithcheck, p.polrelid) as check_expression
from pg_policy as p
join pg_class as c on c.oid = p.polrelid
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'realtime' and c.relname = 'messages'
order by p.polname
