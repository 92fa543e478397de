import type { Bus, QueueMetrics } from '@aimq/events'

/** Counts of several queues; without those that cannot be counted, because of a missing grant or an unlogged table. */
export async function measure(
  bus: Bus,
  queues: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, QueueMetrics>> {
  const measured = await Promise.all(
    queues.map((queue) =>
      bus.request('queue:metrics', { queue }, { signal }).catch((thrown: { code?: string }) => {
        if (/^queue\/(permission-denied|unlogged|not-found)$/.test(thrown.code ?? '')) return undefined
        throw thrown
      }),
    ),
  )
  return new Map(measured.flatMap((metrics) => (metrics === undefined ? [] : [[metrics.queue, metrics]])))
}
