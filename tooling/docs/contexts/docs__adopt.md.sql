select pgmq.create_unlogged('thumbnails');
