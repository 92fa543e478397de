-- Functions that run with their owner's rights and can be led astray by the caller's search_path.
select p.oid::regprocedure::text as function
from pg_proc as p
join pg_namespace as n on n.oid = p.pronamespace
where n.nspname in ('aimq', 'pgmq', 'pgmq_public')
  and p.prosecdef
  and not exists (select from unnest(p.proconfig) as setting where setting like 'search_path=%')
