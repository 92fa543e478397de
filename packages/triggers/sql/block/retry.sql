    exit;
  exception when lock_not_available or deadlock_detected then
    if attempt = tries then
      raise;
    end if;
    perform pg_sleep(0.05 + 0.45 * random());
  end;
end loop;
perform set_config('lock_timeout', waited, true);
perform pg_catalog.set_config('search_path', path, true);
