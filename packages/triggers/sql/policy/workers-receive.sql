-- Lets workers, and nobody else, hear the private topics of AIMQ; nobody may send there but the database itself. The
-- nullif keeps an empty setting from failing every private join of the project.
create policy aimq_workers_receive on realtime.messages for select to authenticated using (
  extension = 'broadcast'
  and (select realtime.topic()) like 'aimq:%'
  and (select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'aimq_role') = 'worker'
);
