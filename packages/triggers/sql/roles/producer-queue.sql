grant insert, select (msg_id) on pgmq.:"queue" to :"role";
grant usage on sequence pgmq.:"sequence" to :"role";
