-- The server, and this session on it.
select
  current_setting('server_version') as version,
  current_setting('server_version_num')::int as version_num,
  pg_is_in_recovery() as standby,
  current_user as role,
  (select rolsuper from pg_roles where rolname = current_user) as superuser,
  (select rolbypassrls from pg_roles where rolname = current_user) as bypasses_rls,
  pg_backend_pid() as backend,
  coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as tls,
  extract(epoch from clock_timestamp()) * 1000 as now_ms,
  pg_notification_queue_usage() as notification_usage,
  (select count(*) from pg_stat_activity where backend_type = 'client backend')::int as connections,
  current_setting('max_connections')::int as max_connections
