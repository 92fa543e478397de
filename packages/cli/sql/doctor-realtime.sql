-- Supabase Realtime in this database.
select
  to_regclass('realtime.messages') is not null as has_messages,
  to_regprocedure('realtime.send(jsonb, text, text, boolean)') is not null as has_send,
  coalesce((select relrowsecurity from pg_class where oid = to_regclass('realtime.messages')), false) as row_security
