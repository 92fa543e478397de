grant select, update, delete on pgmq.:"queue" to :"role";
grant insert, select (msg_id) on pgmq.:"archive" to :"role";
grant insert, select (msg_id) on pgmq.:"dead_letter" to :"role";
