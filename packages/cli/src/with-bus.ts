import { type Bus, createBus, type Logger, redact, silentLogger } from '@aimq/events'
import type { Context } from './context.ts'
import { type Database, openDatabase } from './database.ts'
import { findPlugin, loadPlugin } from './steps.ts'

export interface Session {
  readonly bus: Bus
  readonly database: Database
}

/** Warnings of the steps, on stderr: what is not the answer must not be in it. */
export function complainingLogger({ output }: Pick<Context, 'output'>): Logger {
  const say = (_fields: object, message: string) => output.complain(`aimq: ${redact(message)}`)
  return { debug: () => {}, info: () => {}, warn: say, error: say }
}

/** For steps whose state is what the command prints anyway. */
export const silentAbout = ({ output }: Pick<Context, 'output'>): Logger => ({
  ...silentLogger,
  error: (_fields, message) => output.complain(`aimq: ${redact(message)}`),
})

type QueueStep = 'queue' | 'triggers'

export interface Steps {
  /** Without these the command cannot do its work, and says what to install. */
  readonly needs: readonly QueueStep[]
  /** With these it does more. */
  readonly likes?: readonly QueueStep[]
}

/**
 * Runs `work` with the steps it needs on one bus, and leaves nothing behind. Which database was asked is said on stderr.
 */
export async function withBus<Result>(
  context: Context,
  steps: Steps,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const database = await openDatabase(context)
  try {
    sayDatabase(context, database)
    return await withBusOn(context, database, steps, work)
  } finally {
    await database.stop()
  }
}

/** The same, on a database that is open. */
export async function withBusOn<Result>(
  context: Context,
  database: Database,
  { needs, likes = [] }: Steps,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const bus = createBus({ logger: complainingLogger(context) })
  try {
    const { connectionString } = database
    for (const step of needs) await bus.use(await loadPlugin(step, context.cwd, { connectionString }))
    for (const step of likes) {
      const plugin = await findPlugin(step, context.cwd, { connectionString })
      if (plugin !== undefined) await bus.use(plugin)
    }
    context.signal.throwIfAborted()
    return await work({ bus, database })
  } finally {
    await bus.stop()
  }
}

export function sayDatabase({ output }: Pick<Context, 'output'>, { location, embedded }: Database): void {
  output.note(output.noteStyle('dim', `on ${embedded ? '' : 'the database '}${location}`))
}
