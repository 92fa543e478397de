/* Sends a job to a PostgreSQL that it starts in the folder it is told, and prints how many are there. */
import { startEmbedded } from '@aimq/embedded'
import { createQueueClient } from '@aimq/queue'

const embedded = await startEmbedded({ dataDir: String(process.argv[2]) })
const client = createQueueClient({ connectionString: embedded.connectionString })
await client.create('emails')
await client.send('emails', { to: 'ada' })
console.log((await client.metrics('emails')).total)
await client.close()
await embedded.stop()
