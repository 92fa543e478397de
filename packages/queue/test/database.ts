import { randomBytes } from 'node:crypto'
import type { Lease, Logger } from '@aimq/events'
import pg from 'pg'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser of a PostgreSQL whose `template1` has pgmq. */
    databaseUrl: string
  }
}

/** A database of its own for one test file, so that files run side by side. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string
  readonly name: string
  /** A superuser's pool, to look behind the client's back. */
  readonly pool: pg.Pool
  query<Row extends pg.QueryResultRow = Record<string, unknown>>(
    text: string,
    values?: unknown[],
  ): Promise<Row[]>
  /** The same database as another user. */
  urlAs(user: string, password: string): string
}

/** @param template `template0` gives a database without pgmq */
export async function createDatabase(
  template: 'template0' | 'template1' = 'template1',
): Promise<TestDatabase> {
  const server = inject('databaseUrl')
  const name = `queue_test_${randomBytes(6).toString('hex')}`
  await asAdmin(server, `create database ${name} template ${template}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: url.href, max: 8 })
  pool.on('error', () => {})
  return {
    url: url.href,
    name,
    pool,
    query: async (text, values) => (await pool.query(text, values)).rows,
    urlAs(user, password) {
      const other = new URL(url)
      other.username = user
      other.password = password
      return other.href
    },
    async [Symbol.asyncDispose]() {
      await pool.end()
      await asAdmin(server, `drop database if exists ${name} with (force)`)
    },
  }
}

async function asAdmin(server: string, statement: string): Promise<void> {
  // Two copies of one template at once are refused: the second waits for the first.
  for (let attempt = 1; ; attempt++) {
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    try {
      await client.query(statement)
      return
    } catch (thrown) {
      if ((thrown as { code?: string }).code !== '55006' || attempt >= 100) throw thrown
      await new Promise((resolve) => setTimeout(resolve, 20 * Math.random() + 10))
    } finally {
      await client.end()
    }
  }
}

/** Keeps what is logged. */
export function recordingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = []
  const log = (level: string) => (fields: object, message: string) => {
    lines.push(`${level} ${message} ${JSON.stringify(fields)}`)
  }
  return { lines, debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}

/** What `promise` rejects with; fails when it does not. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; transient?: boolean }> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in outcome) return outcome.error as Error & { code?: string }
  throw new Error(`expected a rejection, got ${JSON.stringify(outcome.value)}`)
}

/** What fences a message, without the rest of it. */
export function leaseOf({ id, readCount, enqueuedAt }: Lease): Lease {
  return { id, readCount, enqueuedAt }
}
