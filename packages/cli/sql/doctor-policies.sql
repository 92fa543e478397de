-- Every policy on realtime.messages, and whether they count.
select
  p.polname as policy,
  case p.polcmd when 'r' then 'select' when 'a' then 'insert' when '*' then 'all' else p.polcmd::text end as command,
  p.polpermissive as permissive,
  array(select case r when 0 then 'public' else pg_get_userbyid(r)::text end from unnest(p.polroles) as r) as roles,
  pg_get_expr(p.polqual, p.polrelid) as using_expression,
  pg_get_expr(p.polwithcheck, p.polrelid) as check_expression
from pg_policy as p
where p.polrelid = to_regclass('realtime.messages')
order by p.polname
