import type { Bus, QueueMetrics } from '@aimq/events'

/** What keeps one queue from being looked into, and is no reason not to look into the others. */
export const uncountable = /^(queue\/(permission-denied|unlogged|not-found)|events\/invalid-queue-name)$/

/** Counts of several queues; without those that cannot be counted: a missing grant, an unlogged table, a name of its own kind. */
export async function measure(
  bus: Bus,
  queues: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, QueueMetrics>> {
  const measured = await Promise.all(
    queues.map((queue) =>
      bus.request('queue:metrics', { queue }, { signal }).catch((thrown: { code?: string }) => {
        if (uncountable.test(thrown.code ?? '')) return undefined
        throw thrown
      }),
    ),
  )
  return new Map(measured.flatMap((metrics) => (metrics === undefined ? [] : [[metrics.queue, metrics]])))
}
