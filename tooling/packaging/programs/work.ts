/* A worker of its own process: says when it is ready, works until SIGTERM, and prints the ids of what it has worked. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createBus, silentLogger } from '@aimq/events'
import { queue } from '@aimq/queue'
import { worker } from '@aimq/worker'

const bus = createBus({ logger: silentLogger })
const worked: string[] = []
bus.on('worker:job-completed', ({ id }) => worked.push(id))
await bus.use<import('@aimq/events').Service>(queue({ connectionString: process.env.DATABASE_URL }))
await bus.use(
  worker({ handlers: { emails: () => sleep(50) }, defaults: { concurrency: 1 }, pollIntervalMs: 200 }),
)
process.once('SIGTERM', async () => {
  await bus.stop()
  console.log(JSON.stringify(worked))
})
console.log('ready')
