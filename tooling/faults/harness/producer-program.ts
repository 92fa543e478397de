/*
 * A producer process for tests: sends for as long as it lives, sometimes a batch, sometimes later, sometimes with an
 * idempotency key, and writes down before each send that it tries, and after it what it was told.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueueClient, isQueueError } from '@aimq/queue'
import { givenSettings } from './child-program.ts'
import { record } from './ledger.ts'
import type { ProducerProcessOptions } from './producer-process.ts'
import { oneOf, randoms, wholeFrom } from './randoms.ts'
import type { JobWish } from './worker-process.ts'

const {
  url,
  queues,
  ledger,
  name,
  seed,
  everyMs,
  queryTimeoutMs = 5000,
} = givenSettings<ProducerProcessOptions>()
const random = randoms(seed)
const client = createQueueClient({ connectionString: url, queryTimeoutMs })
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())

let sent = 0
function nextJob(): JobWish & { key: string } {
  sent++
  return {
    key: `${name}-${process.pid}-${sent}`,
    // Some run longer than a lease.
    ms: random() < 0.08 ? wholeFrom(random, 500, 5000) : wholeFrom(random, 0, 60),
    ...(random() < 0.1 ? { fails: wholeFrom(random, 1, 2) } : {}),
    ...(random() < 0.03 ? { dead: true } : {}),
  }
}

async function sendSome(): Promise<void> {
  const jobs = Array.from({ length: random() < 0.2 ? wholeFrom(random, 2, 5) : 1 }, nextJob)
  const delayMs = random() < 0.1 ? wholeFrom(random, 200, 3000) : undefined
  const keyed = random() < 0.5
  for (const { key } of jobs) record(ledger, 'tries', key)
  const messages = jobs.map((payload) => ({
    payload,
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(keyed ? { idempotencyKey: payload.key } : {}),
  }))
  const told = await client.sendMany(oneOf(random, queues), messages).then(
    () => 'sent' as const,
    (thrown: unknown) =>
      isQueueError(thrown) && thrown.code === 'queue/outcome-unknown'
        ? ('unknown' as const)
        : ('refused' as const),
  )
  for (const { key } of jobs) record(ledger, told, key)
}

process.send?.({ ready: true })
while (!stop.signal.aborted) {
  await sendSome()
  await sleep(everyMs * (0.5 + random()), undefined, { signal: stop.signal }).catch(() => {})
}
await client.close()
process.disconnect?.()
