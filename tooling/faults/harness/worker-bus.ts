import { type Bus, createBus, type Logger, silentLogger } from '@aimq/events'
import { nextFact } from '@aimq/events/testing'
import { type QueueClientSettings, queue } from '@aimq/queue'
import { type RealtimeOptions, realtime } from '@aimq/realtime'
import { type WorkerOptions, worker } from '@aimq/worker'
import { onTestFinished } from 'vitest'

export interface WorkerBusOptions extends WorkerOptions {
  readonly url: string
  readonly queueClient?: QueueClientSettings
  readonly realtime?: RealtimeOptions
  readonly logger?: Logger
}

/** A worker in this process, its queues made; healthy when it has wake-ups. Stopped when the test ends. */
export async function startWorkerBus(options: WorkerBusOptions): Promise<Bus> {
  const { url, queueClient = {}, realtime: wakeUps, logger = silentLogger, ...workerOptions } = options
  const bus = createBus({ logger })
  onTestFinished(() => bus.stop({ signal: AbortSignal.abort() }))
  await bus.use(queue({ connectionString: url, ...queueClient }))
  for (const name of Object.keys(workerOptions.handlers)) await bus.request('queue:create', { queue: name })
  await bus.use(worker(workerOptions))
  if (wakeUps === undefined) return bus
  const healthy = becomes(bus, 'healthy')
  await bus.use(realtime(wakeUps))
  await healthy
  return bus
}

export function becomes(bus: Bus, health: 'healthy' | 'degraded', limitMs = 60_000) {
  return nextFact(bus, 'realtime:health-changed', (fact) => fact.health === health, limitMs)
}

/** A logger that keeps every line of warning or worse, as text. */
export function keepingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = []
  const keep = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  return { lines, debug: () => {}, info: () => {}, warn: keep, error: keep }
}
