import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus, RealtimeStatus } from '@aimq/events'

/** As soon as every path has proven itself or failed, at the latest after `timeoutMs`. */
export async function firstHealth(bus: Bus, timeoutMs: number, signal: AbortSignal): Promise<RealtimeStatus> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const status = await bus.request('realtime:status', {})
    const open = status.paths.some(({ health }) => health === 'connecting')
    if (!open || performance.now() > until) return status
    await sleep(20, undefined, { signal })
  }
}
