select pgmq.create('thumbnails');
select pgmq.send('thumbnails', '{"image": "cat.png"}');
select pgmq.send('thumbnails', '{"image": "dog.png"}');
