import { type Bus, createBus, type Logger, type RequestName } from '@aimq/events'
import { fakeClock, memoryQueue } from '@aimq/events/testing'
import { onTestFinished } from 'vitest'
import { type WorkerOptions, worker } from '../src/index.ts'

/** A worker on a queue in memory, with time in the test's hand. Stopped when the test ends. */
export async function setup(
  options: WorkerOptions,
  queues: readonly string[] = Object.keys(options.handlers),
) {
  const clock = fakeClock()
  const lines: { level: string; fields: object; message: string }[] = []
  const log = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message })
  const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
  const bus = createBus({ clock, logger })
  const queue = await bus.use(memoryQueue(queues))
  const start = () => bus.use(worker(options))
  onTestFinished(async () => {
    const stopping = bus.stop({ signal: AbortSignal.abort() })
    await clock.advance(10_000)
    await stopping
  })
  return { bus, clock, queue, start, lines }
}

/** A promise to be settled from outside, for handlers that the test holds. */
export function gate<T = void>() {
  return Promise.withResolvers<T>()
}

/** Lets a test stand between the worker and its queue: `pass` goes on, anything else is the answer. */
export function intercept(
  bus: Bus,
  between: (name: RequestName, input: never, pass: () => Promise<unknown>) => Promise<unknown>,
): void {
  const request = bus.request.bind(bus) as (
    name: RequestName,
    input: never,
    options: never,
  ) => Promise<unknown>
  bus.request = ((name: RequestName, input: never, options: never) =>
    between(name, input, () => request(name, input, options))) as never
}
