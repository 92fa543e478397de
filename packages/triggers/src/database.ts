import { setTimeout as pause } from 'node:timers/promises'
import { parseTls, type TlsWish, tlsOptions } from '@aimq/events/tls'
import { Client, type ClientBase, type PoolClient, type QueryConfig } from 'pg'
import { parse } from 'pg-connection-string'
import { TriggersError, triggersErrorCodes } from './errors.ts'
import { installLockSql } from './ledger.ts'
import { holdersOf, isContended } from './locks.ts'
import type { ResolvedOptions } from './options.ts'
import { translateError } from './postgres-error.ts'

export type Row = Readonly<Record<string, unknown>>

/** One connection, for as long as the work lasts. */
export interface Session {
  query(text: string, values?: readonly unknown[]): Promise<Row[]>
}

/** A transaction under {@link safePath}. */
export interface Transaction extends Session {
  /** The search path that the role has otherwise, as a setting. */
  readonly usualPath: string
}

/**
 * Whoever may create in a schema of the installer's search path could plant functions and operators there that fit what
 * we call better than those of PostgreSQL do, and the installer would run them.
 */
export const safePath = 'pg_catalog, pg_temp'

export interface Database {
  /** `host:port/database`, for messages. */
  readonly target: string
  /** Runs `work` in one transaction that only reads. */
  look<Result>(work: (session: Session) => Promise<Result>, signal?: AbortSignal): Promise<Result>
  /**
   * Runs `work` in one transaction that changes schema `aimq`: one at a time in the database, and no wait for a table
   * longer than {@link lockTimeoutMs}. When a table is not to be had, all is undone and tried again a little later.
   *
   * @param tables those that the last try locked, for the message when they cannot be had
   */
  change<Result>(
    tables: () => readonly string[],
    work: (session: Transaction) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result>
}

/** The longest that somebody who sends may have to stand behind us. */
export const lockTimeoutMs = 200
const pauseMs = { least: 50, most: 500 }

export function openDatabase(options: ResolvedOptions): Database {
  const source = sourceOf(options)

  async function session<Result>(
    work: (session: Session) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    signal?.throwIfAborted()
    const client = await source.open().catch((thrown) => {
      throw translateError(thrown, source.target, 'connect')
    })
    let failed = false
    try {
      return await work({
        query: async (text, values) => {
          signal?.throwIfAborted()
          const config = { text, query_timeout: options.queryTimeoutMs }
          const query = values === undefined ? config : { ...config, values: [...values] }
          return (await client.query(query as QueryConfig)).rows as Row[]
        },
      })
    } catch (thrown) {
      failed = true
      throw thrown instanceof TriggersError || signal?.aborted
        ? thrown
        : translateError(thrown, source.target, 'query')
    } finally {
      await source.close(client, failed)
    }
  }

  function look<Result>(work: (session: Session) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    return session((open) => inTransaction(open, 'read only', work), signal)
  }

  /** How long to wait for another installer: as long as for a table at least, and never until the query times out. */
  function patienceMs(until: number): number {
    const leftMs = Math.max(lockTimeoutMs, Math.ceil(until - performance.now()))
    return Math.max(1, Math.min(leftMs, options.queryTimeoutMs - 1000))
  }

  async function change<Result>(
    tables: () => readonly string[],
    work: (session: Transaction) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    const until = performance.now() + options.lockWaitMs
    for (;;) {
      try {
        return await session((open) => alone(open, patienceMs(until), work), signal)
      } catch (thrown) {
        if (!isContended(thrown)) throw thrown
        if (performance.now() >= until) {
          const holders = await look((open) => holdersOf(open, tables()), signal).catch(() => '')
          throw new TriggersError(
            triggersErrorCodes.busy,
            `expected the locks to be free for a moment within ${options.lockWaitMs} ms, and they were not${holders}; nothing was changed: try again, or raise lockWaitMs`,
            { cause: (thrown as Error).cause },
          )
        }
        await pause(pauseMs.least + Math.random() * (pauseMs.most - pauseMs.least), undefined, { signal })
      }
    }
  }

  return { target: source.target, look, change }
}

/** As the only one in the database that changes schema `aimq`. */
function alone<Result>(
  session: Session,
  patienceMs: number,
  work: (session: Transaction) => Promise<Result>,
): Promise<Result> {
  return inTransaction(session, 'read write', async (open) => {
    // Another installer is waited for; a table is not.
    await open.query(`set local lock_timeout = ${patienceMs}`)
    await open.query(installLockSql)
    await open.query(`set local lock_timeout = ${lockTimeoutMs}`)
    return work(open)
  })
}

async function inTransaction<Result>(
  session: Session,
  access: 'read only' | 'read write',
  work: (session: Transaction) => Promise<Result>,
): Promise<Result> {
  const [row] = await session.query(
    `select now() = statement_timestamp() as idle, pg_catalog.current_setting('search_path') as path`,
  )
  if (row?.idle !== true) {
    throw new TriggersError(
      triggersErrorCodes.inTransaction,
      'expected a client that is not in a transaction, got one that is; commit first, or give a pool',
    )
  }
  await session.query(`begin isolation level read committed, ${access}`)
  try {
    await session.query(`set local search_path = ${safePath}`)
    const result = await work({ ...session, usualPath: String(row.path) })
    await session.query('commit')
    return result
  } catch (thrown) {
    await session.query('rollback').catch(() => {})
    throw thrown
  }
}

interface Source {
  readonly target: string
  open(): Promise<ClientBase>
  close(client: ClientBase, failed: boolean): Promise<void>
}

function sourceOf(options: ResolvedOptions): Source {
  const { connectionString, pool, client } = options
  if (connectionString !== undefined) return ownClients(connectionString, options)
  if (pool !== undefined) {
    return {
      target: 'the database of the pool',
      // A client that is checked out has no listener of its own, and its errors would end the process. By the callback
      // and not by the promise: the server may end a connection in the same packet that opens it.
      open: () =>
        new Promise((resolve, reject) => {
          pool.connect((error, pooled) => {
            if (error || pooled === undefined) {
              reject(error)
              return
            }
            pooled.on?.('error', ignore)
            resolve(pooled)
          })
        }),
      close: async (pooled, failed) => {
        if (!failed) pooled.off?.('error', ignore)
        ;(pooled as PoolClient).release(failed)
      },
    }
  }
  return {
    target: 'the database of the client',
    open: async () => client as ClientBase,
    close: async () => {},
  }
}

/** A connection for each piece of work: there is little of it, and nothing is left behind. */
function ownClients(connectionString: string, options: ResolvedOptions): Source {
  const wish = tlsWish(connectionString)
  const { ssl: _, ...parsed } = parse(wish.connectionString)
  const host = parsed.host || 'localhost'
  const port = Number(parsed.port || 5432)
  const database = parsed.database || parsed.user || 'postgres'
  return {
    target: `${host}:${port}/${database}`,
    open: async () => {
      const client = new Client({
        application_name: 'aimq',
        ...(parsed as object),
        host,
        port,
        database,
        ssl: await tlsOptions(wish, options.logger),
        connectionTimeoutMillis: options.connectTimeoutMs,
        keepAlive: true,
      })
      client.on('error', ignore)
      try {
        await client.connect()
      } catch (thrown) {
        await client.end().catch(() => {})
        throw thrown
      }
      return client
    },
    close: async (client) => {
      await (client as Client).end().catch(() => {})
    },
  }
}

function tlsWish(connectionString: string): TlsWish {
  try {
    return parseTls(connectionString)
  } catch (cause) {
    throw new TriggersError(triggersErrorCodes.invalidOptions, (cause as Error).message, { cause })
  }
}

function ignore(): void {}
