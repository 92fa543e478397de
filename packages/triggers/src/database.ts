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

export interface Database {
  /** `host:port/database`, for messages. */
  readonly target: string
  session<Result>(work: (session: Session) => Promise<Result>, signal?: AbortSignal): Promise<Result>
  /**
   * Runs `work` in one transaction that changes schema `aimq`: one at a time in the database, and no wait for a table
   * longer than {@link lockTimeoutMs}. When a table is not to be had, all is undone and tried again a little later.
   *
   * @param tables those that the last try locked, for the message when they cannot be had
   */
  change<Result>(
    tables: () => readonly string[],
    work: (session: Session) => Promise<Result>,
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

  async function change<Result>(
    tables: () => readonly string[],
    work: (session: Session) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    const until = performance.now() + options.lockWaitMs
    for (;;) {
      try {
        return await session((open) => inTransaction(open, options.queryTimeoutMs, work), signal)
      } catch (thrown) {
        if (!isContended(thrown)) throw thrown
        if (performance.now() >= until) {
          const holders = await session((open) => holdersOf(open, tables()), signal).catch(() => '')
          throw new TriggersError(
            triggersErrorCodes.busy,
            `expected the tables to be free for a moment within ${options.lockWaitMs} ms, and they were not${holders}; nothing was changed: try again, or raise lockWaitMs`,
            { cause: (thrown as Error).cause },
          )
        }
        await pause(pauseMs.least + Math.random() * (pauseMs.most - pauseMs.least), undefined, { signal })
      }
    }
  }

  return { target: source.target, session, change }
}

async function inTransaction<Result>(
  session: Session,
  patienceMs: number,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const [row] = await session.query('select now() = statement_timestamp() as idle')
  if (row?.idle !== true) {
    throw new TriggersError(
      triggersErrorCodes.inTransaction,
      'expected a client that is not in a transaction, got one that is; commit first, or give a pool',
    )
  }
  await session.query('begin isolation level read committed')
  try {
    // Another installer is waited for; a table is not.
    await session.query(`set local lock_timeout = ${Math.max(1, patienceMs - 1000)}`)
    await session.query(installLockSql)
    await session.query(`set local lock_timeout = ${lockTimeoutMs}`)
    const result = await work(session)
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
      open: async () => {
        const pooled = await pool.connect()
        // A client that is checked out has no listener of its own, and its errors would end the process.
        pooled.on?.('error', ignore)
        return pooled
      },
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
