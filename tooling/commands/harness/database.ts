import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string
  }
}

/** In every connection string of these tests; it must never be seen anywhere. */
export const canary = 'CANARY-p4ssw0rd'

export interface TestDatabase {
  /** As a superuser whose password is the {@link canary}. */
  readonly url: string
  urlWith(changes: { user?: string; password?: string; database?: string; port?: number }): string
  query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>
}

/** A database for the tests of one file. */
export function useDatabase(): TestDatabase {
  const name = `commands_${randomBytes(6).toString('hex')}`
  const serverUrl = inject('databaseUrl')
  const urlWith: TestDatabase['urlWith'] = (changes) => {
    const url = new URL(serverUrl)
    url.username = changes.user ?? name
    url.password = changes.password ?? canary
    url.pathname = `/${changes.database ?? name}`
    if (changes.port !== undefined) url.port = String(changes.port)
    return url.href
  }
  const url = urlWith({})
  let client: pg.Client
  async function onServer(...statements: string[]): Promise<void> {
    const server = new pg.Client(serverUrl)
    await server.connect()
    try {
      for (const sql of statements) await server.query(sql)
    } finally {
      await server.end()
    }
  }
  beforeAll(async () => {
    await onServer(
      `create role ${name} login superuser password '${canary}'`,
      `create database ${name} owner ${name}`,
    )
    client = new pg.Client(url)
    await client.connect()
  })
  afterAll(async () => {
    await client.end()
    await onServer(`drop database ${name} with (force)`, `drop role ${name}`)
  })
  return { url, urlWith, query: async (text, values) => (await client.query(text, values)).rows }
}
