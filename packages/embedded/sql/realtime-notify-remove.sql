drop trigger if exists aimq_notify_message on realtime.messages;
drop function if exists realtime.aimq_notify_message();
