perform pg_catalog.set_config('lock_timeout', greatest(10, #ms# - ceil(1000 * extract(epoch from clock_timestamp() - tried)))::integer || 'ms', true);
