import { createBus, defineQueue } from '@aimq/events'
import { queue } from '@aimq/queue'
import { realtime } from '@aimq/realtime'
import { triggers } from '@aimq/triggers'
import { deadLetter, defineHandler, worker } from '@aimq/worker'
import { z } from 'zod'

const { DATABASE_URL, SUPABASE_URL = '', SUPABASE_KEY = '' } = process.env
const emails = defineQueue('emails', { schema: z.object({ to: z.string() }) })

const bus = createBus()
const { client } = await bus.use(queue({ connectionString: DATABASE_URL }))
await client.create(emails)
// The database tells of every send, over both paths, whoever sends and in whatever language.
await bus.use(triggers({ connectionString: DATABASE_URL, queues: ['emails'], paths: ['notify', 'realtime'] }))
await bus.use(realtime({ listen: DATABASE_URL, supabase: { url: SUPABASE_URL, key: SUPABASE_KEY } }))

const worked = Promise.withResolvers<void>()
const sendEmail = defineHandler(emails, async ({ payload }) => {
  if (payload.to === 'nobody') return deadLetter({ reason: 'no such address' })
  console.log(`dear ${payload.to}`)
})
bus.on('worker:job-dead-lettered', ({ reason }) => {
  console.log(`given up: ${reason}`)
  worked.resolve()
})
await bus.use(worker({ handlers: { emails: sendEmail }, defaults: { concurrency: 1 } }))

// From here on a job that anybody sends starts within milliseconds.
await client.sendMany(emails, [{ payload: { to: 'ada' } }, { payload: { to: 'nobody' } }])
await worked.promise
await bus.stop()
