import { setTimeout as sleep } from 'node:timers/promises'
import { createBus } from '@aimq/events'
import { queue } from '@aimq/queue'
import { type Job, worker } from '@aimq/worker'

// An Edge Function lives 150 s on Supabase's free plan; handing back takes a grace period of them.
const deadlineMs = Number(process.env.DRAIN_DEADLINE_MS ?? 100_000)
const gracePeriodMs = 5_000

/** Works what is there, until nothing is left or time is up; what is not done then is handed back at once. */
export async function drain(_request: Request): Promise<Response> {
  const bus = createBus()
  try {
    // Functions are many and connections few: one is enough here, through the transaction pooler.
    await bus.use(queue({ connectionString: process.env.DATABASE_URL, maxConnections: 1 }))
    await bus.use(worker({ handlers: { thumbnails }, gracePeriodMs }))
    const empty = bus.request('worker:drain', {}).then(() => true)
    const isEmpty = await Promise.race([empty, sleep(deadlineMs, false, { ref: false })])
    return Response.json({ empty: isEmpty })
  } finally {
    await bus.stop()
  }
}

async function thumbnails({ payload, signal }: Job<{ image: string; takesMs?: number }>): Promise<void> {
  await sleep(payload.takesMs ?? 0, undefined, { signal }) // What it does until it is told to end.
  console.log(`a thumbnail of ${payload.image}`)
}

export default { fetch: drain }
