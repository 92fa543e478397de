import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string
  }
}

export interface TestDatabase {
  /** As superuser. */
  readonly url: string
  /** The same database for somebody else, or somewhere else. */
  urlWith(changes: { user?: string; password?: string; database?: string; port?: number }): string
  query(sql: string): Promise<Record<string, unknown>[]>
}

/** A database for the tests of one file. */
export function useDatabase(): TestDatabase {
  const name = `app_${randomBytes(6).toString('hex')}`
  const serverUrl = inject('databaseUrl')
  const urlWith: TestDatabase['urlWith'] = (changes) => {
    const url = new URL(serverUrl)
    url.pathname = `/${changes.database ?? name}`
    if (changes.user !== undefined) url.username = changes.user
    if (changes.password !== undefined) url.password = changes.password
    if (changes.port !== undefined) url.port = String(changes.port)
    return url.href
  }
  const url = urlWith({})
  let client: pg.Client

  async function onServer(sql: string): Promise<void> {
    const server = new pg.Client(serverUrl)
    await server.connect()
    await server.query(sql).finally(() => server.end())
  }
  beforeAll(async () => {
    await onServer(`create database ${name}`)
    client = new pg.Client(url)
    await client.connect()
  })
  afterAll(async () => {
    await client.end()
    await onServer(`drop database ${name} with (force)`)
  })
  return { url, urlWith, query: async (sql) => (await client.query(sql)).rows }
}
