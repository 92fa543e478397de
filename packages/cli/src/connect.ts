import { parseTls, type TlsWish, tlsOptions } from '@aimq/events/tls'
import { CliError } from './cli-error.ts'
import type { Database } from './database.ts'
import { exitCode } from './exit-code.ts'
import { sqlText } from './sql.ts'

/** A connection of our own, for what no step answers: how the database itself is set up. */
export interface Connection extends AsyncDisposable {
  /** What the connection string says about TLS. */
  readonly tls: TlsWish['mode']
  /** The process that the server named when we connected; a pooler names one of its own. */
  readonly announcedBackend: number
  /** Runs `sql/<name>.sql`; `:"name"` in it stands for a table whose name has been checked. */
  rows<Row>(
    name: string,
    values?: readonly unknown[],
    tables?: Readonly<Record<string, string>>,
  ): Promise<Row[]>
  /** Runs a statement that is no query of ours, such as `begin`. */
  run(statement: 'begin' | 'commit'): Promise<void>
}

const refused = /^(28P01|28000|3D000)$/

/** @throws CliError when the database cannot be reached, or refuses the login */
export async function connect({
  connectionString,
  location,
}: Pick<Database, 'connectionString' | 'location'>): Promise<Connection> {
  const { default: pg } = await import('pg')
  const { parse } = await import('pg-connection-string')
  const wish = parseTls(connectionString)
  const { ssl: _, ...config } = parse(wish.connectionString)
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const client = new pg.Client({
    application_name: 'aimq',
    ...(config as object),
    ssl: await tlsOptions(wish, silent),
    connectionTimeoutMillis: 10_000,
    query_timeout: 15_000,
  })
  // An idle connection that breaks would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (cause) {
    client.end().catch(() => {})
    const { code = '', message } = cause as { code?: string; message: string }
    if (/does not support SSL/.test(message)) {
      throw new CliError(
        `${location} offers no TLS; turn it on there, or accept plaintext with sslmode=disable`,
        exitCode.configuration,
        { cause },
      )
    }
    const exit = refused.test(code) ? exitCode.configuration : exitCode.unavailable
    throw new CliError(`${location} cannot be reached: ${message || code}`, exit, { cause })
  }
  return {
    tls: wish.mode,
    announcedBackend: (client as unknown as { processID: number }).processID,
    async rows(name, values = [], tables = {}) {
      const text = sqlText(name).replaceAll(/:"(\w+)"/g, (_, table: string) => `"${tables[table]}"`)
      return (await client.query(text, [...values])).rows
    },
    async run(statement) {
      await client.query(statement)
    },
    [Symbol.asyncDispose]: () => client.end().catch(() => {}),
  }
}
