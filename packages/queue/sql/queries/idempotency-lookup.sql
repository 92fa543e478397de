-- The ids behind keys that another producer claimed while we waited for it: a new statement sees what it committed.
select key::text as key, message_id::text as id
from aimq.idempotency_key
where queue = :'name' and key = any (array(select json_array_elements_text(:'keys'::json)))
