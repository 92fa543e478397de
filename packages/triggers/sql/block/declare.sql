waited pg_catalog.text := pg_catalog.current_setting('lock_timeout');
path pg_catalog.text := pg_catalog.current_setting('search_path');
tries pg_catalog.int4;
tried pg_catalog.timestamptz;
