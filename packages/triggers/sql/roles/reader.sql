-- Readers list, count and peek: they see every payload, and change nothing.
grant usage on schema pgmq to :"role";
grant select on pgmq.meta to :"role";
