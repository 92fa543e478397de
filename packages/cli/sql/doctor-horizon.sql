-- What keeps dead rows of this database from being cleaned up: the oldest snapshots, writing transactions (which hold no
-- snapshot between two statements), slots and prepared transactions, oldest first. Those of other databases keep only
-- theirs, and catalog_xmin only rows of the catalogue.
select kind, name, age_seconds::float8 as age_seconds, xmin_age::int as xmin_age
from (
  select
    'session' as kind,
    format('pid %s (%s, %s)', pid, coalesce(nullif(application_name, ''), 'no name'), state) as name,
    extract(epoch from clock_timestamp() - xact_start) as age_seconds,
    greatest(age(backend_xid), age(backend_xmin)) as xmin_age
  from pg_stat_activity
  where coalesce(backend_xid, backend_xmin) is not null and pid <> pg_backend_pid() and backend_type = 'client backend'
    and datname = current_database()
  union all
  select 'replication slot', slot_name, null, age(xmin)
  from pg_replication_slots
  where xmin is not null and not active
  union all
  select 'prepared transaction', gid, extract(epoch from clock_timestamp() - prepared), age(transaction)
  from pg_prepared_xacts
  where database = current_database()
) as held
order by xmin_age desc nulls last
limit 5
