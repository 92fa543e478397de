grant select on pgmq.:"queue", pgmq.:"archive", pgmq.:"dead_letter", pgmq.:"dead_letter_archive" to :"role";
