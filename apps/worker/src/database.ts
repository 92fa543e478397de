import { relative } from 'node:path'
import { startEmbedded } from '@aimq/embedded'
import type { Config } from './config.ts'

export interface Database {
  readonly connectionString: string
  /** For people and logs: where it is, without user and password. */
  readonly description: string
  /** Leaves it. The embedded one stops when nobody else uses it. */
  stop(): Promise<void>
}

/** The database that was given, or one of our own. */
export async function openDatabase(config: Config, signal: AbortSignal): Promise<Database> {
  if (config.databaseUrl !== undefined) {
    const { hostname, port, pathname } = new URL(config.databaseUrl)
    const description = `${hostname || 'local socket'}${port && `:${port}`}${pathname}`
    return { connectionString: config.databaseUrl, description, stop: async () => {} }
  }
  const embedded = await startEmbedded({
    dataDir: config.dataDir,
    ...(config.port === undefined ? {} : { port: config.port }),
    signal,
  })
  const folder = relative(process.cwd(), embedded.dataDir)
  const shown = folder.startsWith('..') ? embedded.dataDir : folder
  return {
    connectionString: embedded.connectionString,
    description:
      `${embedded.joined ? 'joined the' : ''} embedded PostgreSQL on port ${embedded.port}, data in ${shown}/`.trim(),
    stop: embedded.stop,
  }
}
