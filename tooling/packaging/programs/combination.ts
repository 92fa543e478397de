/*
 * Puts the steps it is told of on a bus, looks what can be asked there and what is said of what is missing, works a job
 * if there is a worker, and prints all of that as JSON.
 */
import { createBus, silentLogger } from '@aimq/events'

const DATABASE_URL = process.env.DATABASE_URL
const use = {
  queue: async () => (await import('@aimq/queue')).queue({ connectionString: DATABASE_URL }),
  realtime: async () => (await import('@aimq/realtime')).realtime({ listen: DATABASE_URL }),
  triggers: async () =>
    (await import('@aimq/triggers')).triggers({ connectionString: String(DATABASE_URL), queues: ['emails'] }),
  worker: async () =>
    (await import('@aimq/worker')).worker({
      handlers: { emails: () => {} },
      pollIntervalMs: 500,
      safetyPollIntervalMs: 5_000,
    }),
}
const steps = process.argv.slice(2) as (keyof typeof use)[]

const bus = createBus({ logger: silentLogger })
let wokenBy: string | undefined
const worked = new Promise((resolve) => bus.on('worker:job-completed', ({ id }) => resolve(id)))
const proven = new Promise((resolve) => {
  bus.on('realtime:health-changed', ({ health }) => health === 'healthy' && resolve(health))
})
bus.on('job:enqueued', ({ queue, source }) => {
  if (queue === 'emails') wokenBy = source
})

try {
  for (const step of steps) await bus.use<import('@aimq/events').Service>(await use[step]())
  if (steps.includes('realtime')) await proven
  const answers = {
    queue: await saying(bus.request('queue:list', {})),
    worker: await saying(bus.request('worker:status', {})),
    realtime: await saying(bus.request('realtime:status', {})),
    triggers: await saying(bus.request('triggers:list', {})),
  }
  if (steps.includes('worker')) {
    await send()
    await worked
  }
  console.log(JSON.stringify({ answers, worked: steps.includes('worker'), wokenBy }))
} catch (thrown) {
  const { code, message } = thrown as Error & { code?: string }
  console.log(JSON.stringify({ refused: code, message }))
} finally {
  await bus.stop()
}

async function saying(answer: Promise<unknown>): Promise<string> {
  return answer.then(
    () => 'answers',
    (thrown: Error) => thrown.message,
  )
}

/** As anybody does: plain SQL, by a connection of its own. */
async function send(): Promise<void> {
  const { default: pg } = await import('pg')
  const client = new pg.Client(DATABASE_URL)
  await client.connect()
  await client.query(`select pgmq.send('emails', '{}')`)
  await client.end()
}
