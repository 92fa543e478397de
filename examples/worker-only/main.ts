import { createBus } from '@aimq/events'
import { queue } from '@aimq/queue'
import { type Job, worker } from '@aimq/worker'

const bus = createBus()
await bus.use(queue({ connectionString: process.env.DATABASE_URL }))
await bus.use(worker({ handlers: { emails: sendEmail }, defaults: { concurrency: 1 } }))

// A process that stays would wait for SIGTERM here.
await bus.request('worker:drain', {})
await bus.stop()

async function sendEmail({ payload, attempt }: Job<{ to: string }>): Promise<void> {
  if (payload.to === 'grace' && attempt === 1) throw new Error('the mail server is away')
  console.log(`dear ${payload.to}, at attempt ${attempt}`)
}
