import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTriggersClient } from '../src/index.ts'
import { catalogueOf, createDatabase, failureOf, type TestDatabase } from './database.ts'
import { createRealtime } from './realtime-schema.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
  await createRealtime(database)
  await database.query(`select pgmq.create('emails'), pgmq.create('reports')`)
})

afterAll(() => database[Symbol.asyncDispose]())

const wish = { queues: ['emails', 'reports'], paths: ['notify', 'realtime'] as const }

/** All but the numbers of functions. */
async function catalogue(): Promise<string> {
  return JSON.stringify(await catalogueOf(database)).replaceAll(/\/\d+"/g, '"')
}

/** A connection that breaks at its statement number `fatal`: before it was sent, or just after. */
async function breakingClient(fatal: number, when: 'before' | 'after') {
  const client = new pg.Client({ connectionString: database.url })
  client.on('error', () => {})
  await client.connect()
  const query = client.query.bind(client) as (config: unknown) => Promise<unknown>
  let statements = 0
  const stream = (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream
  client.query = ((config: unknown) => {
    if (++statements !== fatal) return query(config)
    if (when === 'before') stream.destroy()
    const result = query(config)
    if (when === 'after') setImmediate(() => stream.destroy())
    return result
  }) as typeof client.query
  return { client, statements: () => statements }
}

it('is all or nothing, at whichever statement the installer dies', async () => {
  const plain = createTriggersClient({ connectionString: database.url })
  const before = await catalogue()
  await plain.install(wish)
  const after = await catalogue()
  await plain.remove()
  const counted = await breakingClient(0, 'before')
  await createTriggersClient({ client: counted.client }).install(wish)
  await createTriggersClient({ client: counted.client }).remove()
  await counted.client.end()
  expect(counted.statements()).toBeGreaterThan(25)
  for (const when of ['before', 'after'] as const) {
    for (let fatal = 1; fatal <= counted.statements(); fatal++) {
      const { client } = await breakingClient(fatal, when)
      const dying = createTriggersClient({ client, queryTimeoutMs: 2000 })
      await dying
        .install(wish)
        .then(
          () => dying.remove(),
          () => {},
        )
        .catch(() => {})
      await client.end().catch(() => {})
      // The session of a client that died may take a moment to end.
      await expect.poll(sessions, { timeout: 10_000, interval: 5 }).toBe(0)
      expect([before, after]).toContain(await catalogue())
    }
  }
  await plain.install(wish)
  expect((await plain.list()).triggers.flatMap(({ findings }) => findings)).toEqual([])
  await plain.remove()
  expect(await catalogue()).toBe(before)
})

/** Those of clients other than the test's own pool, which is idle. */
async function sessions(): Promise<number> {
  const [row] = await database.query<{ count: string }>(
    `select count(*) from pg_stat_activity where datname = current_database() and backend_type = 'client backend'
       and (state <> 'idle' or wait_event is distinct from 'ClientRead') and pid <> pg_backend_pid()`,
  )
  return Number(row?.count)
}

it('gives up with the name of who holds the table, and has made nobody wait for long', async () => {
  const holder = new pg.Client({ connectionString: database.url, application_name: 'nightly import' })
  await holder.connect()
  await holder.query(`begin; select pgmq.send('emails', '{}')`)
  const held = performance.now()
  const impatient = createTriggersClient({ connectionString: database.url, lockWaitMs: 3000 })
  let longestMs = 0
  let installing = true
  const sending = (async () => {
    while (installing) {
      const started = performance.now()
      await database.query(`select pgmq.send('emails', '{}')`)
      longestMs = Math.max(longestMs, performance.now() - started)
    }
  })()
  const error = await failureOf(impatient.install({ queues: ['emails'] }))
  installing = false
  await sending
  expect(error).toMatchObject({ code: 'triggers/busy' })
  expect(error.message).toMatch(
    /pgmq\.q_emails is held by process \d+, role \w+, application nightly import, idle in transaction/,
  )
  // Whoever stood behind it to the end would have waited for nearly as long as the table was held.
  expect(longestMs).toBeLessThan((performance.now() - held) / 3)
  await holder.query('commit')
  await holder.end()
  await createTriggersClient({ connectionString: database.url }).install({ queues: ['emails'] })
})

it('waits for another installer no longer than it was told to, and says who that is', async () => {
  const holder = new pg.Client({ connectionString: database.url, application_name: 'another installer' })
  await holder.connect()
  await holder.query(`begin; select pg_advisory_xact_lock(hashtextextended('aimq.migration', 0))`)
  const installing = createTriggersClient({ connectionString: database.url, lockWaitMs: 500 }).install()
  const error = await Promise.race([
    failureOf(installing),
    // Had it waited for queryTimeoutMs, this would have let it through.
    new Promise<Error>((resolve) => setTimeout(resolve, 10_000, new Error('it still waits after 10 s'))),
  ])
  await holder.query('rollback')
  await holder.end()
  expect(error).toMatchObject({ code: 'triggers/busy' })
  expect(error.message).toMatch(
    /the lock of all installers is held by process \d+, role \w+, application another installer, idle in transaction/,
  )
})

it('refuses a client that is in a transaction, and leaves that alone', async () => {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query('begin')
  await client.query('create table mine ()')
  const error = await failureOf(createTriggersClient({ client }).install({ queues: ['emails'] }))
  expect(error).toMatchObject({ code: 'triggers/in-transaction' })
  await client.query('commit')
  expect(await database.query(`select to_regclass('mine') is not null as there`)).toEqual([{ there: true }])
  await client.end()
})

it('says what to do when nobody answers, and keeps the password to itself', async () => {
  const client = createTriggersClient({ connectionString: 'postgres://ada:s3cret@127.0.0.1:1/app' })
  const error = await failureOf(client.list())
  expect(error).toMatchObject({ code: 'triggers/unreachable' })
  expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain('s3cret')
})

it('tells a role without rights what it needs', async () => {
  const user = `nobody_${database.name}`
  await database.query(
    `create role ${user} login password 'x'; grant usage on schema pgmq to ${user}; grant select on pgmq.meta to ${user}`,
  )
  await createTriggersClient({ connectionString: database.url }).remove()
  const error = await failureOf(
    createTriggersClient({ connectionString: database.urlAs(user, 'x') }).install({ queues: ['emails'] }),
  )
  expect(error).toMatchObject({ code: 'triggers/permission-denied' })
  await database.query(`drop owned by ${user}; drop role ${user}`)
})
