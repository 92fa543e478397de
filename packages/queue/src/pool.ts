import { parseTls, type TlsWish, tlsOptions } from '@aimq/events/tls'
import { Client, Pool, type PoolConfig } from 'pg'
import { parse } from 'pg-connection-string'
import { recognizeSession } from './direct-session.ts'
import { QueueError, queueErrorCodes } from './errors.ts'
import type { ResolvedOptions } from './options.ts'

/**
 * How long an idle connection is kept. Longer than the half minute, and a tenth of it, between two safety polls of a
 * worker with nothing to do: or the job that wakes it would wait for a new connection first.
 */
const idleTimeoutMs = 60_000

/** Where a client connects to, for messages; and its pool, made when first needed. */
export interface PoolSource {
  readonly target: string
  open(): Promise<Pool>
  /** Gives up every connection that was made before `since` (`performance.now()`): they lead to the wrong server. */
  renew(since: number): void
  close(): Promise<void>
}

/** A pool of ours. Parsing happens now, so that a bad connection string fails early; connecting happens later. */
export function ownPool(connectionString: string, options: ResolvedOptions): PoolSource {
  const wish = tlsWish(connectionString)
  const { ssl: _, ...parsed } = parse(wish.connectionString)
  const host = parsed.host || 'localhost'
  const port = Number(parsed.port || 5432)
  const database = parsed.database || parsed.user || 'postgres'
  let opening: Promise<Pool> | undefined
  let openedAt = 0
  return {
    target: `${host}:${port}/${database}`,
    open: () => {
      if (opening === undefined) openedAt = performance.now()
      opening ??= openPool({ ...(parsed as object), host, port, database }, wish, options)
      // A certificate that cannot be read now may be there at the next call.
      opening.catch(() => {
        opening = undefined
      })
      return opening
    },
    renew: (since) => {
      if (openedAt > since) return
      const old = opening
      opening = undefined
      // Ends when the last statement under way on it has.
      old?.then((pool) => pool.end()).catch(() => {})
    },
    close: async () => {
      const pool = await opening?.catch(() => undefined)
      opening = undefined
      await pool?.end()
    },
  }
}

/**
 * The pool drops a client that failed to connect without closing its socket. When it was the client's own fault (no
 * password to give), that socket would keep the process, and a session of the server, for a minute.
 */
class ClosingClient extends Client {
  override connect(): Promise<Client>
  override connect(callback: ((error: Error) => void) | ((error: null, client: Client) => void)): void
  override connect(callback?: (error: never, client: Client) => void): Promise<Client> | undefined {
    if (callback === undefined) return super.connect()
    super.connect((error: Error | null) => {
      if (error) this.end().catch(() => {})
      callback(error as never, this)
    })
    return undefined
  }
}

async function openPool(config: PoolConfig, wish: TlsWish, options: ResolvedOptions): Promise<Pool> {
  const pool = new Pool({
    application_name: 'aimq',
    ...config,
    Client: ClosingClient,
    ssl: await tlsOptions(wish, options.logger).catch(refuseTls),
    max: options.maxConnections,
    connectionTimeoutMillis: options.connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    keepAlive: true,
    ...(options.preparedStatements === undefined
      ? { onConnect: (client) => recognizeSession(client, options.connectTimeoutMs) }
      : {}),
    // A script that forgets to close its client still ends.
    allowExitOnIdle: true,
  })
  // An idle connection that breaks is taken out of the pool by itself; without a listener it would end the process.
  pool.on('error', (error) => {
    options.logger.debug({ code: (error as { code?: string }).code }, 'an idle connection broke')
  })
  return pool
}

function tlsWish(connectionString: string): TlsWish {
  try {
    return parseTls(connectionString)
  } catch (cause) {
    throw new QueueError(queueErrorCodes.invalidOptions, (cause as Error).message, { cause })
  }
}

function refuseTls(cause: Error): never {
  throw new QueueError(queueErrorCodes.tlsFailed, cause.message, { cause })
}

/** The caller's pool. */
export function givenPool(pool: Pool, options: ResolvedOptions): PoolSource {
  const config = (pool as { options?: PoolConfig }).options ?? {}
  const listener = (error: Error) => {
    options.logger.debug({ code: (error as { code?: string }).code }, 'an idle connection broke')
  }
  let listening = false
  return {
    target:
      config.host === undefined
        ? 'the database of the pool'
        : `${config.host}:${config.port ?? 5432}/${config.database ?? ''}`,
    open: async () => {
      if (!listening) pool.on?.('error', listener)
      listening = true
      return pool
    },
    // Its other connections are the caller's concern.
    renew: () => {},
    close: async () => {
      pool.off?.('error', listener)
      listening = false
    },
  }
}
