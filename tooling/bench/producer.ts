/*
 * Sends one job for each message of its parent, from a process of its own: plain SQL, committed durably, and broadcast
 * in the same transaction by NOTIFY, by `realtime.send`, or not at all. The payload says when, on the clock that all
 * processes of a machine share.
 */
import pg from 'pg'

const statements = {
  // From a subquery, because `pgmq.send` returns a set: beside it in one list, the other function would run twice.
  listen: `select pg_notify('aimq:jobs', $3) from pgmq.send($1, $2::jsonb)`,
  supabase: `select realtime.send($3::jsonb, 'job_enqueued', 'aimq:jobs', true) from pgmq.send($1, $2::jsonb)`,
}

const client = new pg.Client({ connectionString: process.env.DATABASE_URL })
await client.connect()
process.on('message', async ({ queue, path }: { queue: string; path: keyof typeof statements }) => {
  const hint = JSON.stringify({ event: 'job_enqueued', queue, count: 1, due_in_ms: 0, v: 1 })
  const payload = JSON.stringify({ sentAt: Number(process.hrtime.bigint() / 1000n) })
  await client.query(statements[path], [queue, payload, hint])
})
process.once('disconnect', () => process.exit(0))
process.send?.('ready')
