import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTriggersClient } from '../src/index.ts'
import { createDatabase, failureOf, type TestDatabase } from './database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

it.each(['require', 'verify-full'])(
  'sslmode=%s: a server without TLS is not asked without it, and that is what is said',
  async (sslmode) => {
    const url = new URL(database.url)
    url.searchParams.set('sslmode', sslmode)
    const client = createTriggersClient({ connectionString: url.href })
    const error = await failureOf(client.list())
    expect(error).toMatchObject({ code: 'triggers/unreachable' })
    expect(error.message).toMatch(/does not support SSL.*check the connection string/)
  },
)
