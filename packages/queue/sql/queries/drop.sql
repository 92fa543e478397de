-- pgmq 1.4 has one function that wants to know whether the queue is partitioned; later ones find out.
select
  pgmq.drop_queue(:'queue') as dropped --? by_name
  pgmq.drop_queue(:'queue', :'partitioned'::boolean) as dropped --? !by_name
