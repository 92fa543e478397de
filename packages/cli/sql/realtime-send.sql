-- Whether the database can tell Supabase Realtime: the function by which triggers broadcast.
select exists (
  select
  from pg_proc as p
  join pg_namespace as n on n.oid = p.pronamespace
  where n.nspname = 'realtime' and p.proname = 'send'
    and p.proargtypes = '3802 25 25 16'::oidvector
) as available
