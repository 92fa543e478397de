/* Installs what idempotency keys need, sends with a key, and prints the answer as JSON: a fresh id, or the one that was there. */
import { createQueueClient } from '@aimq/queue'

const client = createQueueClient({ connectionString: String(process.env.DATABASE_URL) })
if (process.argv[2] === 'install') await client.install()
const id = await client.send('emails', { to: 'ada' }, { idempotencyKey: 'order-1' })
console.log(JSON.stringify(id))
await client.close()
