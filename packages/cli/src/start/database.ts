import type { Logger } from '@aimq/events'
import { summarizeError } from '@aimq/events'
import { type Embedded, givenDatabase } from '../database.ts'
import { loadStep } from '../steps.ts'
import type { Config } from './config.ts'

/** What `@aimq/embedded` offers, as far as it is used here. */
interface EmbeddedStep {
  startEmbedded(options: object): Promise<Embedded>
  startRealtime(options: object): Promise<NonNullable<Embedded['realtime']> & { stop(): Promise<void> }>
}

export interface Database {
  readonly connectionString: string
  /** For people and logs: where it is, without user and password. */
  readonly location: string
  /** The folder of the embedded one. */
  readonly dataDir: string | undefined
  /** The local Realtime server of the embedded one. */
  readonly realtime?: { readonly url: string; readonly key: string }
  /** Leaves it. The embedded one stops when nobody else uses it. */
  stop(): Promise<void>
}

/** The database that was given, or one of our own. */
export async function openDatabase(
  config: Config,
  { log, signal, stepsFrom }: { log: Logger; signal: AbortSignal; stepsFrom: string | undefined },
): Promise<Database> {
  if (config.databaseUrl !== undefined) {
    const { location } = givenDatabase(config.databaseUrl, config.databaseUrlVariable)
    return { connectionString: config.databaseUrl, location, dataDir: undefined, stop: async () => {} }
  }
  // Loaded only here: where a database is given, the embedded one need not even be installed.
  const { startEmbedded, startRealtime } = (await loadStep(
    'embedded',
    process.cwd(),
    stepsFrom,
  )) as unknown as EmbeddedStep
  const embedded = await startEmbedded({
    dataDir: config.dataDir,
    ...(config.port === undefined ? {} : { port: config.port }),
    signal,
  })
  const { connectionString, port, joined, dataDir } = embedded
  const database = {
    connectionString,
    location: `127.0.0.1:${port}${joined ? ', which was running already' : ''}`,
    dataDir,
    stop: embedded.stop,
  }
  if (!config.wakeUps.realtime) return database
  try {
    const realtime = await startRealtime({ connectionString, signal })
    return {
      ...database,
      realtime: { url: realtime.url, key: realtime.serviceRoleKey },
      stop: () => realtime.stop().finally(embedded.stop),
    }
  } catch (thrown) {
    // Wake-ups make it faster, not possible.
    log.warn(
      { cause: summarizeError(thrown).message },
      'the local Realtime does not start; going on without it',
    )
    return database
  }
}
