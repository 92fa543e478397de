import { createBus } from '@aimq/events'
import { type RealtimeOptions, realtime } from '@aimq/realtime'

const options: RealtimeOptions = JSON.parse(process.argv[2] ?? '')
const bus = createBus()
bus.on('realtime:health-changed', ({ health }) => console.log(health))
bus.on('job:enqueued', async ({ queue, source }) => {
  console.log(`look at ${queue}, says ${source}`)
  await bus.stop()
})
await bus.use(realtime(options))
