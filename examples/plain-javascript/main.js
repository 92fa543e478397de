import { createBus } from '@aimq/events'
import { queue } from '@aimq/queue'
import { realtime } from '@aimq/realtime'
import { worker } from '@aimq/worker'

const connectionString = process.env.DATABASE_URL
const bus = createBus()
const { client } = await bus.use(queue({ connectionString }))
await client.create('sums')
await bus.use(realtime({ listen: connectionString }))

const done = new Promise((resolve) => bus.on('worker:job-completed', resolve))
await bus.use(
  worker({
    handlers: {
      sums: async ({ payload }) => console.log(payload.a + payload.b),
    },
  }),
)
await client.send('sums', { a: 1, b: 2 })
await done
await bus.stop()
