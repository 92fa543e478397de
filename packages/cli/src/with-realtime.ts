import { createBus } from '@aimq/events'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import { type Database, type Embedded, openDatabase, startLocalRealtime } from './database.ts'
import { loadPlugin } from './steps.ts'
import { keyVariables, supabaseKey } from './supabase-access.ts'
import { type Session, sayDatabase, silentAbout } from './with-bus.ts'

type LocalRealtime = Pick<NonNullable<Embedded['realtime']>, 'url' | 'serviceRoleKey'>

/** Every path by which workers of this database can be woken, on a bus, for as long as `work` takes. */
export async function withRealtime<Result>(
  context: Context,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const database = await openDatabase(context)
  try {
    sayDatabase(context, database)
    return await withRealtimeOn(context, database, work)
  } finally {
    await database.stop()
  }
}

/** The same, on a database that is open. */
export async function withRealtimeOn<Result>(
  context: Context,
  database: Database,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  let local: (LocalRealtime & { stop(): Promise<void> }) | undefined
  const bus = createBus({ logger: silentAbout(context) })
  try {
    // The one of the embedded database. What its triggers send reaches the servers of other processes, too.
    if (database.embedded) local = await startLocalRealtime(context, database)
    await bus.use(await loadPlugin('realtime', context.cwd, wakePaths(context, database, local)))
    context.signal.throwIfAborted()
    return await work({ bus, database })
  } finally {
    await bus.stop()
    await local?.stop()
  }
}

/** Options of the realtime step: LISTEN/NOTIFY always, Supabase Realtime where there is one. */
export function wakePaths(
  { env }: Pick<Context, 'env'>,
  database: Database,
  local: LocalRealtime | undefined,
): object {
  const { connectionString } = database
  const listen = database.embedded ? connectionString : env.DIRECT_URL || connectionString
  if (local !== undefined)
    return { listen, supabase: { url: local.url, key: local.serviceRoleKey, connectionString } }
  const url = env.SUPABASE_URL
  if (!url || database.embedded) return { listen }
  const key = supabaseKey(env)
  if (key === undefined)
    throw new CliError(`SUPABASE_URL is set, and no key is: expected one of ${keyVariables.join(', ')}`)
  const token = env.SUPABASE_REALTIME_TOKEN
  return {
    listen,
    supabase: { url, key, connectionString, ...(token ? { accessToken: async () => token } : {}) },
  }
}
