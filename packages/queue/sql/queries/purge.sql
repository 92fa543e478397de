select pgmq.purge_queue(:'queue')::float8 as count
