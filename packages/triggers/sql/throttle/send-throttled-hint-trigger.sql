create constraint trigger aimq_send_throttled_hint after insert on aimq.throttled_hint
  deferrable initially deferred for each row execute function aimq.send_throttled_hint();
