-- What keeps dead rows from being cleaned up: the oldest snapshots, slots and prepared transactions, oldest first.
select kind, name, age_seconds::float8 as age_seconds, xmin_age::int as xmin_age
from (
  select
    'session' as kind,
    format('pid %s (%s, %s)', pid, coalesce(nullif(application_name, ''), 'no name'), state) as name,
    extract(epoch from clock_timestamp() - xact_start) as age_seconds,
    age(backend_xmin) as xmin_age
  from pg_stat_activity
  where backend_xmin is not null and pid <> pg_backend_pid() and backend_type = 'client backend'
  union all
  select 'replication slot', slot_name, null, greatest(age(xmin), age(catalog_xmin))
  from pg_replication_slots
  where (xmin is not null or catalog_xmin is not null) and not active
  union all
  select 'prepared transaction', gid, extract(epoch from clock_timestamp() - prepared), age(transaction)
  from pg_prepared_xacts
) as held
order by xmin_age desc nulls last
limit 5
