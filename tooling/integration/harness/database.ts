import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string
  }
}

export interface TestDatabase extends AsyncDisposable {
  readonly url: string
  /** Runs SQL as a superuser. */
  query(text: string, values?: unknown[]): Promise<pg.QueryResult>
}

/** A database of its own, with pgmq, dropped when disposed. */
export async function createDatabase(): Promise<TestDatabase> {
  const name = `aimq_test_${randomBytes(6).toString('hex')}`
  const url = new URL(inject('databaseUrl'))
  await once(url.href, `create database ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: own.href, max: 2 })
  // A test may terminate every connection of the server.
  pool.on('error', () => {})
  return {
    url: own.href,
    query: (text, values) => pool.query(text, values),
    async [Symbol.asyncDispose]() {
      await pool.end()
      await once(url.href, `drop database ${name} with (force)`)
    },
  }
}

async function once(connectionString: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}
