import { setTimeout as pause } from 'node:timers/promises'

/**
 * Looks again and again until `look` gives something other than `undefined`. For what other processes do to files
 * and to themselves: the operating system has no event for it that works everywhere. Gives `undefined` after `timeoutMs`.
 */
export async function waitUntil<Found>(
  look: () => Promise<Found | undefined>,
  options: { everyMs: number; timeoutMs?: number; signal?: AbortSignal | undefined },
): Promise<Found | undefined> {
  const end = performance.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY)
  for (;;) {
    options.signal?.throwIfAborted()
    const found = await look()
    if (found !== undefined || performance.now() >= end) return found
    await pause(options.everyMs)
  }
}
