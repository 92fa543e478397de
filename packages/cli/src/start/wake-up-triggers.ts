import { type Bus, type Logger, summarizeError, type TriggerPath } from '@aimq/events'
import { findPlugin } from '../steps.ts'
import type { Config } from './config.ts'
import type { Database } from './database.ts'
import type { HandlerRecord } from './load-handlers.ts'

/** Jobs are worked already; a queue that is too busy for a trigger gets none now. */
const lockWaitMs = 3000

/**
 * Lets the database itself tell of jobs in the queues that are worked, where it does not yet; triggers that stand stay
 * as they are. What keeps it from that is said, and keeps no job from being worked.
 */
export async function installTriggers(
  config: Pick<Config, 'triggers' | 'wakeUps'>,
  handlers: HandlerRecord,
  database: Pick<Database, 'connectionString' | 'realtime'>,
  { bus, log, stepsFrom }: { bus: Bus; log: Logger; stepsFrom: string | undefined },
): Promise<void> {
  const paths = wantedPaths(config.wakeUps, database)
  if (!config.triggers || paths.length === 0) return
  const { connectionString } = database
  const step = await findPlugin('triggers', process.cwd(), { connectionString, lockWaitMs }, stepsFrom)
  if (step === undefined) return
  const names = Object.values(handlers).map(({ queue }) => queue.name)
  try {
    await bus.use(step)
    const { triggers } = await bus.request('triggers:list', { queues: names })
    for (const { name, installed, findings } of triggers) {
      if (!installed || findings.length === 0) continue
      const what = findings.map(({ message }) => message).join('; ')
      log.warn({ queue: name }, `the wake-up trigger of queue "${name}" is not as it should be: ${what}`)
    }
    const wish = { paths, private: !config.wakeUps.realtimePublic }
    const queues = triggers.filter(({ installed }) => !installed).map(({ name }) => name)
    // One by one: a queue that can have none takes it from no other.
    for (const queue of queues) {
      try {
        await bus.request('triggers:install', { queues: [queue], ...wish })
        log.info({ queue, paths }, 'wake-up trigger installed')
      } catch (thrown) {
        sayWithout(log, thrown, [queue])
        // What one queue's role may not is refused for every other.
        if (summarizeError(thrown).code === 'triggers/permission-denied') return
      }
    }
  } catch (thrown) {
    sayWithout(log, thrown, names)
  }
}

function sayWithout(log: Logger, thrown: unknown, queues: readonly string[]): void {
  const { code, message } = summarizeError(thrown)
  log.warn(
    { code, queues },
    `no wake-up trigger was installed, so that jobs of others may be found by polling only: ${message}`,
  )
}

/** Those on which this worker hears. */
function wantedPaths(
  { listen, realtime, supabase }: Config['wakeUps'],
  { realtime: local }: Pick<Database, 'realtime'>,
): readonly TriggerPath[] {
  const broadcast = realtime && (supabase ?? local) !== undefined
  return [...(listen ? (['notify'] as const) : []), ...(broadcast ? (['realtime'] as const) : [])]
}
