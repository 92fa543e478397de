import { setTimeout as sleep } from 'node:timers/promises'
import { createBus } from '@aimq/events'
import { queue } from '@aimq/queue'
import { type Job, worker } from '@aimq/worker'

const deadlineMs = 100_000 // An Edge Function lives 150 s on Supabase's free plan.

/** Works what is there, until nothing is left or time is up; what is not done then is handed back at once. */
export async function drain(_request: Request): Promise<Response> {
  const bus = createBus()
  try {
    // Functions are many and connections few: one is enough here, through the transaction pooler.
    await bus.use(queue({ connectionString: process.env.DATABASE_URL, maxConnections: 1 }))
    await bus.use(worker({ handlers: { thumbnails }, gracePeriodMs: 5_000 }))
    const empty = bus.request('worker:drain', {}).then(() => true)
    const isEmpty = await Promise.race([empty, sleep(deadlineMs, false, { ref: false })])
    return Response.json({ empty: isEmpty })
  } finally {
    await bus.stop()
  }
}

async function thumbnails({ payload }: Job<{ image: string }>): Promise<void> {
  console.log(`a thumbnail of ${payload.image}`)
}

export default { fetch: drain }
