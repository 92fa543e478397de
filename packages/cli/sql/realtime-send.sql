-- Whether the database can tell Supabase Realtime: the function by which triggers broadcast.
select to_regprocedure('realtime.send(jsonb, text, text, boolean)') is not null as available
