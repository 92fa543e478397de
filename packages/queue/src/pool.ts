import { parseTls, type TlsWish, tlsOptions } from '@aimq/events/tls'
import { Client, Pool, type PoolConfig } from 'pg'
import { parse } from 'pg-connection-string'
import { Connections } from './connections.ts'
import { recognizeSession } from './direct-session.ts'
import { QueueError, queueErrorCodes } from './errors.ts'
import type { ResolvedOptions } from './options.ts'

/**
 * How long an idle connection is kept. Longer than the half minute, and a tenth of it, between two safety polls of a
 * worker with nothing to do: or the job that wakes it would wait for a new connection first.
 */
const idleTimeoutMs = 60_000

/** Where a client connects to, for messages; and its connections, opened when first needed. */
export interface PoolSource {
  readonly target: string
  /** Those that `open` has made. */
  readonly opened: Connections | undefined
  open(): Promise<Connections>
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
  let opening: Promise<Connections> | undefined
  let opened: Connections | undefined
  let openedAt = 0

  async function make(): Promise<Connections> {
    openedAt = performance.now()
    const pool = await openPool({ ...(parsed as object), host, port, database }, wish, options)
    return new Connections(pool, { keepMs: idleTimeoutMs })
  }

  function forget(): void {
    opening = undefined
    opened = undefined
  }

  return {
    target: `${host}:${port}/${database}`,
    get opened() {
      return opened
    },
    async open() {
      opening ??= make()
      const mine = opening
      try {
        const connections = await mine
        if (opening === mine) opened = connections
        return connections
      } catch (thrown) {
        // A certificate that cannot be read now may be there at the next call.
        if (opening === mine) forget()
        throw thrown
      }
    },
    renew: (since) => {
      if (openedAt > since) return
      const old = opening
      forget()
      old?.then((connections) => connections.end()).catch(() => {})
    },
    close: async () => {
      const old = opening
      forget()
      await (await old?.catch(() => undefined))?.end()
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
  const connections = new Connections(pool, { keepMs: 0 })
  let listening = false
  return {
    target:
      config.host === undefined
        ? 'the database of the pool'
        : `${config.host}:${config.port ?? 5432}/${config.database ?? ''}`,
    get opened() {
      return listening ? connections : undefined
    },
    open: async () => {
      if (!listening) pool.on?.('error', listener)
      listening = true
      return connections
    },
    // Its other connections are the caller's concern.
    renew: () => {},
    close: async () => {
      pool.off?.('error', listener)
      listening = false
    },
  }
}
