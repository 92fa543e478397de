create or replace function aimq.forget_listener(id uuid) returns void
language plpgsql volatile security definer set search_path = '' as $function$
#variable_conflict use_column
begin
  delete from aimq.listener where id = forget_listener.id;
end
$function$;
comment on function aimq.forget_listener(uuid) is 'AIMQ listener, version 1: a listener has gone.';
revoke all on function aimq.forget_listener(uuid) from public;
