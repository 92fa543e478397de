-- Whoever sends needs nothing of ours.
select pgmq.create('emails');
select pgmq.send('emails', '{"to": "ada"}');
select pgmq.send('emails', '{"to": "grace"}');
