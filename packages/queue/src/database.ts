import type { PoolClient } from 'pg'
import type { Connections } from './connections.ts'
import { withDeadline } from './deadline.ts'
import { isDirectSession } from './direct-session.ts'
import { QueueError, queueErrorCodes } from './errors.ts'
import type { Operation } from './grants.ts'
import type { ResolvedOptions, SqlClient } from './options.ts'
import { givenPool, ownPool, type PoolSource } from './pool.ts'
import { sqlStateOf, translateError } from './postgres-error.ts'
import { frequentPreparedOf, type Prepared, preparedOf } from './prepared.ts'
import type { Statement } from './sql.ts'

/** How often a statement that met a deadlock or a serialization failure is tried, and the pause in between. */
const contentionAttempts = 5
const contentionPauseMs = { least: 10, most: 100 }

export interface Call {
  readonly operation: Operation
  readonly queue?: string | undefined
  readonly tables?: Readonly<Record<string, string>>
  /** The caller's transaction: the statement runs there, once. */
  readonly transaction?: SqlClient | undefined
  /** Looked at before the statement is sent; one that is under way is not cut off. */
  readonly signal?: AbortSignal | undefined
}

export type Row = Readonly<Record<string, unknown>>

/** Runs statements; one connection for one statement, no state kept on it. */
export interface Database {
  readonly target: string
  readonly closed: boolean
  /** Each statement is a transaction of its own: false when a caller's client may be in the middle of one. */
  readonly ownsTransactions: boolean
  run(statement: Statement, values: Readonly<Record<string, string>>, call: Call): Promise<Row[]>
  close(): Promise<void>
}

export function openDatabase(options: ResolvedOptions): Database {
  const source = poolSource(options)
  const target = source?.target ?? 'the database of the client'
  let closing: Promise<void> | undefined

  async function run(
    statement: Statement,
    values: Readonly<Record<string, string>>,
    call: Call,
  ): Promise<Row[]> {
    const bound = statement.parameters.map((name) => values[name] ?? '')
    for (let attempt = 1; ; attempt++) {
      call.signal?.throwIfAborted()
      if (closing !== undefined) {
        throw new QueueError(
          queueErrorCodes.closed,
          `${call.operation}: expected an open client, got one that was closed; make a new one`,
        )
      }
      try {
        return await runOnce(statement, bound, call)
      } catch (thrown) {
        const state = sqlStateOf((thrown as QueueError).cause)
        const contended = state === '40P01' || state === '40001'
        if (!contended || call.transaction !== undefined || attempt >= contentionAttempts) throw thrown
        const { least, most } = contentionPauseMs
        await new Promise((resolve) => setTimeout(resolve, least + Math.random() * (most - least)))
      }
    }
  }

  async function runOnce(statement: Statement, values: string[], call: Call): Promise<Row[]> {
    const client = call.transaction ?? options.client
    if (client !== undefined) return runOn(client, statement, values, call)
    return runPooled(source as PoolSource, statement, values, call)
  }

  async function runPooled(pools: PoolSource, statement: Statement, values: string[], call: Call) {
    const since = performance.now()
    const connections = pools.opened ?? (await open(pools, call))
    const pooled = connections.take() ?? (await checkout(connections, call))
    try {
      const rows = await runOn(pooled, statement, values, call)
      connections.giveBack(pooled)
      return rows
    } catch (thrown) {
      // After a timeout or a broken connection the statement may still be running on it: never to be used again.
      const { code } = thrown as QueueError
      const broken = code === queueErrorCodes.timeout || code === queueErrorCodes.connectionLost
      connections.giveBack(pooled, broken || code === queueErrorCodes.readOnly)
      // After a failover the idle ones are on the old primary, too, and each would fail a call of its own.
      if (code === queueErrorCodes.readOnly) pools.renew(since)
      throw thrown
    }
  }

  async function runOn(client: SqlClient | PoolClient, statement: Statement, values: string[], call: Call) {
    try {
      const prepared = call.transaction === undefined ? preparedFor(client, statement) : undefined
      const work =
        prepared === undefined
          ? (client as SqlClient).query(statement.text, values)
          : (client as PoolClient).query({ name: prepared.name, text: prepared.text, values })
      const result = await withDeadline(
        Promise.resolve(work),
        options.queryTimeoutMs,
        () =>
          new QueueError(
            queueErrorCodes.timeout,
            `${about(call)}: expected an answer of ${target} within ${options.queryTimeoutMs} ms, got none; the connection was given up`,
            { queue: call.queue },
          ),
      )
      return result.rows as Row[]
    } catch (thrown) {
      throw translateError(thrown, { ...call, phase: 'query', target })
    }
  }

  /** As what to prepare it on this connection; undefined: not at all. */
  function preparedFor(client: object, statement: Statement): Prepared | undefined {
    if (source === undefined || options.preparedStatements === false) return undefined
    if (options.preparedStatements === true) return preparedOf(statement)
    return isDirectSession(client) ? frequentPreparedOf(statement) : undefined
  }

  async function open(pools: PoolSource, call: Call): Promise<Connections> {
    try {
      return await pools.open()
    } catch (thrown) {
      throw translateError(thrown, { ...call, phase: 'connect', target })
    }
  }

  async function checkout(connections: Connections, call: Call): Promise<PoolClient> {
    try {
      // One that stands ready comes at once: no timer need be made for it.
      if (connections.hasIdle) return await connections.connect()
      return await withDeadline(
        connections.connect(),
        options.connectTimeoutMs + 250,
        () =>
          new QueueError(
            queueErrorCodes.unreachable,
            `${about(call)}: expected a connection to ${target} within ${options.connectTimeoutMs} ms, got none; the host does not answer, or all connections of the pool are busy`,
            { queue: call.queue },
          ),
        (late) => connections.giveBack(late),
      )
    } catch (thrown) {
      throw translateError(thrown, { ...call, phase: 'connect', target })
    }
  }

  return {
    target,
    get closed() {
      return closing !== undefined
    },
    ownsTransactions: source !== undefined,
    run,
    close: () => {
      closing ??= source?.close() ?? Promise.resolve()
      return closing
    },
  }
}

function poolSource(options: ResolvedOptions): PoolSource | undefined {
  if (options.connectionString !== undefined) return ownPool(options.connectionString, options)
  return options.pool === undefined ? undefined : givenPool(options.pool, options)
}

function about(call: Call): string {
  return call.queue === undefined ? call.operation : `${call.operation} "${call.queue}"`
}
