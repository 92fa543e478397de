import pg from 'pg'

export interface Database {
  /** Rows as text: nothing is parsed, so nothing is rounded. */
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, string | null>[]>
  /** Several statements without values, as one transaction. Gives the rows of the last one. */
  script(sql: string): Promise<Record<string, string | null>[]>
  /** A transaction that leaves nothing behind, whatever happens in it. */
  rolledBack<Result>(work: (query: Database['query']) => Promise<Result>): Promise<Result>
  end(): Promise<void>
}

const connectTimeoutMs = 5000
const statementTimeoutMs = 10_000
export const applicationName = 'aimq local realtime'

export function openDatabase(connectionString: string): Database {
  const pool = new pg.Pool({
    connectionString,
    application_name: applicationName,
    max: 4,
    idleTimeoutMillis: 10_000,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs,
    allowExitOnIdle: true,
    types: { getTypeParser: () => (text: string) => text },
  })
  // An idle connection that breaks; the next query takes a new one.
  pool.on('error', () => {})
  const connect = async () => {
    try {
      return await pool.connect()
    } catch (cause) {
      // Whatever the server said then, it was not about a statement.
      throw new Error(cause instanceof Error ? cause.message : String(cause), { cause })
    }
  }
  const onClient = async <Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> => {
    const client = await connect()
    let failure: Error | undefined
    const broken = (error: Error) => {
      failure = error
    }
    client.on('error', broken)
    try {
      return await work(client)
    } catch (thrown) {
      if (!isFromServer(thrown)) failure ??= thrown as Error
      throw thrown
    } finally {
      client.off('error', broken)
      client.release(failure)
    }
  }
  return {
    query: (sql, values) =>
      onClient(
        async (client) => (await client.query(sql, values === undefined ? undefined : [...values])).rows,
      ),
    script: (sql) =>
      onClient(async (client) => {
        const results = (await client.query(sql)) as unknown as pg.QueryResult | pg.QueryResult[]
        return (Array.isArray(results) ? results.at(-1) : results)?.rows ?? []
      }),
    rolledBack: (work) =>
      onClient(async (client) => {
        await client.query('begin')
        try {
          return await work(async (sql, values) => (await client.query(sql, values && [...values])).rows)
        } finally {
          await client.query('rollback')
        }
      }),
    end: () => pool.end(),
  }
}

/** SQLSTATE of an error PostgreSQL answered with, and answered because of the statement. */
export function sqlState(thrown: unknown): string | undefined {
  return thrown instanceof pg.DatabaseError ? thrown.code : undefined
}

/** Or is it the connection that failed? */
export function isFromServer(thrown: unknown): boolean {
  const state = sqlState(thrown)
  return state !== undefined && !/^(08|57P|53)/.test(state)
}
