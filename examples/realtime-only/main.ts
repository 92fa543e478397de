import { createBus } from '@aimq/events'
import { realtime } from '@aimq/realtime'
import pg from 'pg'

const bus = createBus()
const healthy = new Promise<void>((resolve) => {
  bus.on('realtime:health-changed', ({ health }) => health === 'healthy' && resolve())
})
const hint = new Promise((resolve) => bus.on('job:enqueued', resolve))
await bus.use(realtime({ listen: process.env.DATABASE_URL }))
await healthy

// Anybody, in any language.
const somebody = new pg.Client(process.env.DATABASE_URL)
await somebody.connect()
await somebody.query(`notify "aimq:jobs", '{"queue": "emails"}'`)
await somebody.end()

console.log(await hint)
await bus.stop()
