grant trigger, insert, select (msg_id) on pgmq.:"queue" to :"role";
