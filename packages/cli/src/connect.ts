import { consoleLogger } from '@aimq/events'
import { parseTls, tlsOptions } from '@aimq/events/tls'
import { CliError } from './cli-error.ts'
import { exitCode } from './exit-code.ts'
import { sqlText } from './sql.ts'

/** A connection of our own, for what no step answers: how the database itself is set up. */
export interface Connection extends AsyncDisposable {
  /** Runs `sql/<name>.sql`. */
  rows<Row>(name: string, values?: readonly unknown[]): Promise<Row[]>
}

export async function connect(connectionString: string): Promise<Connection> {
  const { default: pg } = await import('pg')
  const { parse } = await import('pg-connection-string')
  const wish = parseTls(connectionString)
  const { ssl: _, ...config } = parse(wish.connectionString)
  const client = new pg.Client({
    application_name: 'aimq',
    ...(config as object),
    ssl: await tlsOptions(wish, consoleLogger),
    connectionTimeoutMillis: 10_000,
    query_timeout: 15_000,
  })
  // An idle connection that breaks would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (cause) {
    throw new CliError(`the database cannot be reached: ${(cause as Error).message}`, exitCode.unavailable, {
      cause,
    })
  }
  return {
    async rows(name, values = []) {
      return (await client.query(sqlText(name), [...values])).rows
    },
    [Symbol.asyncDispose]: () => client.end().catch(() => {}),
  }
}
