// Sends one job: node examples/send-job.ts <queue> '<payload as JSON>'
// To DATABASE_URL, or to the embedded PostgreSQL that a worker started in this folder keeps.
import { startEmbedded } from '@aimq/embedded'
import { assertQueueName, createBus, summarizeError } from '@aimq/events'
import { queue } from '@aimq/queue'

const [name, payload, ...more] = process.argv.slice(2)
const fault = usageFault()
if (fault === undefined) process.exitCode = await send(name ?? '', JSON.parse(payload ?? ''))
else {
  console.error(`send-job: ${fault}\nusage: node send-job.ts <queue> '<payload as JSON>'`)
  process.exitCode = 2
}

function usageFault(): string | undefined {
  if (name === undefined) return 'expected a queue and a payload, got nothing'
  if (payload === undefined) return 'expected a payload behind the queue, got nothing'
  if (more.length > 0)
    return `expected a queue and a payload, got ${more.length + 2} words; put the payload in quotes`
  try {
    assertQueueName(name)
    JSON.parse(payload)
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) return summarizeError(thrown).message
    return `expected a payload in JSON, such as '{"path":"README.md"}'; got text that is not (is it in single quotes?)`
  }
  return undefined
}

async function send(to: string, job: unknown): Promise<number> {
  const given = process.env.DATABASE_URL
  const bus = createBus()
  let embedded: { readonly connectionString: string; stop(): Promise<void> } | undefined
  try {
    if (!given) embedded = await startEmbedded({ dataDir: process.env.AIMQ_DATA_DIR || '.aimq' })
    await bus.use(queue({ connectionString: given || (embedded?.connectionString ?? '') }))
    const { ids } = await bus.request('queue:send', { queue: to, messages: [{ payload: job }] })
    console.log(`sent as ${to}/${ids[0]}`)
    return 0
  } catch (thrown) {
    console.error(`send-job: ${summarizeError(thrown).message}`)
    return 1
  } finally {
    await bus.stop()
    await embedded?.stop()
  }
}
