// Sends one job: node examples/send-job.ts <queue> '<payload as JSON>'
// To DATABASE_URL, or to the embedded PostgreSQL that a worker started in this folder keeps.
import { startEmbedded } from '@aimq/embedded'
import { createBus } from '@aimq/events'
import { queue } from '@aimq/queue'

const [name = '', payload = ''] = process.argv.slice(2)
const given = process.env.DATABASE_URL
await using embedded = given
  ? undefined
  : await startEmbedded({ dataDir: process.env.AIMQ_DATA_DIR || '.aimq' })
await using bus = createBus()
await bus.use(queue({ connectionString: given ?? embedded?.connectionString ?? '' }))
const { ids } = await bus.request('queue:send', { queue: name, messages: [{ payload: JSON.parse(payload) }] })
console.log(`sent as ${name}/${ids[0]}`)
