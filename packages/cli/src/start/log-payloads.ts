import type { Logger } from '@aimq/events'
import type { HandledJob, HandlerRecord } from './load-handlers.ts'

/** The same handlers, each saying what it was given before it runs. Only where somebody asked for it. */
export function logPayloads(handlers: HandlerRecord, log: Logger): HandlerRecord {
  return Object.fromEntries(
    Object.entries(handlers).map(([name, definition]) => [
      name,
      {
        ...definition,
        handler: (job: HandledJob) => {
          const { queue, id, attempt, payload } = job
          log.info({ queue, id, attempt, payload }, 'job payload')
          return definition.handler(job)
        },
      },
    ]),
  )
}
