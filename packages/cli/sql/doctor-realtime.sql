-- Supabase Realtime in this database. By the catalogue, which anybody may read.
select
  m.oid is not null as has_messages,
  coalesce(m.relrowsecurity, false) as row_security
from (values ('realtime')) as wanted (schema)
left join pg_namespace as n on n.nspname = wanted.schema
left join pg_class as m on m.relnamespace = n.oid and m.relname = 'messages'
