import type { Bus, Clock } from '@aimq/events'

/** Between two counts of a queue that is not empty yet: counting scans the table. */
const recountMs = { first: 100, most: 1000 }

/**
 * Resolves when the queue holds nothing but messages scheduled for later: none ready, none being worked by anyone,
 * no retry outstanding. `look` nudges our own worker, so that it does not sleep through what is counted here.
 */
export async function drainQueue(
  bus: Bus,
  clock: Clock,
  queue: string,
  look: () => void,
  signal: AbortSignal,
): Promise<void> {
  for (let wait = recountMs.first; ; wait = Math.min(recountMs.most, wait * 2)) {
    const { ready, leased } = await bus.request('queue:metrics', { queue })
    signal.throwIfAborted()
    if (ready === 0 && leased === 0) return
    if (ready > 0) look()
    await sleep(clock, wait, signal)
  }
}

async function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  using _ = clock.timer(ms, resolve)
  await promise
  signal.throwIfAborted()
}
