import type { Config } from './config.ts'

export interface Database {
  readonly connectionString: string
  /** For people and logs: where it is, without user and password. */
  readonly location: string
  /** The folder of the embedded one. */
  readonly dataDir: string | undefined
  /** Leaves it. The embedded one stops when nobody else uses it. */
  stop(): Promise<void>
}

/** The database that was given, or one of our own. */
export async function openDatabase(config: Config, signal: AbortSignal): Promise<Database> {
  if (config.databaseUrl !== undefined) {
    const { hostname, port, pathname } = new URL(config.databaseUrl)
    const location = `${hostname || 'local socket'}${port && `:${port}`}${pathname}`
    return { connectionString: config.databaseUrl, location, dataDir: undefined, stop: async () => {} }
  }
  // Loaded only here: where a database is given, the embedded one need not even be installed.
  const { startEmbedded } = await import('@aimq/embedded')
  const embedded = await startEmbedded({
    dataDir: config.dataDir,
    ...(config.port === undefined ? {} : { port: config.port }),
    signal,
  })
  return {
    connectionString: embedded.connectionString,
    location: `127.0.0.1:${embedded.port}${embedded.joined ? ', which was running already' : ''}`,
    dataDir: embedded.dataDir,
    stop: embedded.stop,
  }
}
