import type { Bus } from '@aimq/events'
import type { HandlerRecord } from './load-handlers.ts'
import { StartError } from './start-failure.ts'

/** Every queue that is worked, and where its dead letters go. */
function wantedQueues(handlers: HandlerRecord): string[] {
  return [...new Set(Object.values(handlers).flatMap(({ queue }) => [queue.name, queue.deadLetterQueue]))]
}

/** Creates what is missing. Answers with the names of what was. */
export async function createQueues(bus: Bus, handlers: HandlerRecord): Promise<string[]> {
  const missing = await missingQueues(bus, handlers)
  for (const queue of missing) await bus.request('queue:create', { queue })
  return missing
}

/** @throws `app/queues-missing` with the SQL that creates them */
export async function requireQueues(bus: Bus, handlers: HandlerRecord): Promise<string[]> {
  const missing = await missingQueues(bus, handlers)
  if (missing.length === 0) return []
  const sql = missing.map((queue) => `\n  select pgmq.create('${queue}');`).join('')
  throw new StartError(
    'app/queues-missing',
    `these queues do not exist, and --no-create-queues says not to create them; run:${sql}`,
  )
}

/** Listed first: creating a queue that is there needs rights that a worker does without. */
async function missingQueues(bus: Bus, handlers: HandlerRecord): Promise<string[]> {
  const { queues } = await bus.request('queue:list', {})
  const there = new Set(queues.map(({ queue }) => queue))
  return wantedQueues(handlers).filter((queue) => !there.has(queue))
}
