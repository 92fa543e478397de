-- The last id each queue has given out: how many messages were ever sent to it.
select substr(sequencename, 3, length(sequencename) - 13) as queue, coalesce(last_value, 0)::text as last_id
from pg_sequences
where schemaname = 'pgmq' and sequencename like 'q\_%\_msg\_id\_seq'
