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
  query(text: string, values?: unknown[]): Promise<pg.QueryResult>
}

/** A database of its own, dropped when disposed: notifications stay within a database. */
export async function createDatabase(): Promise<TestDatabase> {
  const name = `aimq_realtime_${randomBytes(6).toString('hex')}`
  const admin = inject('databaseUrl')
  await once(admin, `create database ${name}`)
  const url = new URL(admin)
  url.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: url.href, max: 2 })
  pool.on('error', () => {})
  return {
    url: url.href,
    query: (text, values) => pool.query(text, values),
    async [Symbol.asyncDispose]() {
      await pool.end()
      await once(admin, `drop database ${name} with (force)`)
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
