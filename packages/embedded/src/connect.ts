import pg from 'pg'
import { password, superuser } from './cluster.ts'

export interface Connection extends AsyncDisposable {
  query(sql: string): Promise<{ rows: Record<string, unknown>[] }>
}

export function connectionString(port: number, database = 'postgres'): string {
  return `postgres://${superuser}:${password}@127.0.0.1:${port}/${database}`
}

/** A connection for as long as the block it is used in. */
export async function connect(port: number, database?: string): Promise<Connection> {
  const client = new pg.Client({
    connectionString: connectionString(port, database),
    application_name: 'aimq embedded',
    connectionTimeoutMillis: 30_000,
  })
  // A connection that breaks while idle would otherwise be an uncaught exception; a query on it fails anyway.
  client.on('error', () => {})
  await client.connect()
  return { query: (sql) => client.query(sql), [Symbol.asyncDispose]: () => client.end() }
}
