import { PGlite } from '@electric-sql/pglite'
import { pgmq } from '@electric-sql/pglite-pgmq'
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drizzleTransaction } from '../src/drizzle.ts'
import { createQueueClient, type QueueClient, type SqlClient } from '../src/index.ts'
import { kyselyTransaction } from '../src/kysely.ts'
import { postgresJsTransaction } from '../src/postgres-js.ts'
import { type PrismaTransaction, prismaTransaction } from '../src/prisma.ts'
import { createDatabase, failureOf, type TestDatabase } from './database.ts'

let database: TestDatabase
let client: QueueClient
const open: (() => Promise<unknown>)[] = []

/** Runs `work` in a transaction of some driver, and commits unless it throws. */
type InTransaction = (work: (transaction: SqlClient) => Promise<void>) => Promise<unknown>

const drivers: Record<string, () => InTransaction> = {
  pg() {
    return async (work) => {
      const session = await database.pool.connect()
      try {
        await session.query('begin')
        await work(session)
        await session.query('commit')
      } catch (thrown) {
        await session.query('rollback')
        throw thrown
      } finally {
        session.release()
      }
    }
  },
  'drizzle over pg'() {
    const orm = drizzleNodePostgres({ client: database.pool })
    return (work) => orm.transaction((tx) => work(drizzleTransaction(tx)))
  },
  'drizzle over postgres.js'() {
    const sql = postgres(database.url, { onnotice: () => {} })
    open.push(() => sql.end())
    const orm = drizzlePostgresJs({ client: sql })
    return (work) => orm.transaction((tx) => work(drizzleTransaction(tx)))
  },
  'kysely, with a plugin that renames columns'() {
    const orm = new Kysely<object>({
      dialect: new PostgresDialect({ pool: database.pool }),
      plugins: [new CamelCasePlugin()],
    })
    return (work) => orm.transaction().execute((trx) => work(kyselyTransaction(trx)))
  },
  'postgres.js, with a transform that renames columns'() {
    const sql = postgres(database.url, { transform: postgres.camel, onnotice: () => {} })
    open.push(() => sql.end())
    return (work) => sql.begin((tx) => work(postgresJsTransaction(tx)))
  },
  // Prisma needs an engine generated for a schema; what it documents of `tx` is one method, which this has over `pg`.
  'the documented shape of prisma'() {
    return (work) =>
      (drivers.pg as () => InTransaction)()(async (session) => {
        const tx: PrismaTransaction = {
          $queryRawUnsafe: async (text, ...values) => (await session.query(text, values)).rows,
        }
        await work(prismaTransaction(tx))
      })
  },
}

beforeAll(async () => {
  database = await createDatabase()
  client = createQueueClient({ connectionString: database.url })
  await client.install()
  await client.create('orders')
})

afterAll(async () => {
  await client.close()
  for (const close of open) await close()
  await database[Symbol.asyncDispose]()
})

describe.each(Object.keys(drivers))('a transaction of %s', (name) => {
  const inTransaction: InTransaction = (work) => (drivers[name] as () => InTransaction)()(work)
  const payload = {
    text: "it's a $1 \\ \"quoted\" 'ünïcode' 😀 ? :name",
    list: [1, 1e300, null, true],
    nested: {},
  }

  it('commits what was sent with it', async () => {
    await client.purge('orders')
    let ids: readonly string[] = []
    await inTransaction(async (transaction) => {
      const one = await client.send('orders', payload, { transaction, headers: { h: 'ä' } })
      const many = await client.sendMany(
        'orders',
        [{ payload: 'a string' }, { payload: [1, 2] }, { payload: null }, { payload: 7, delayMs: 1500.5 }],
        { transaction },
      )
      const key = await client.send('orders', 'keyed', { transaction, idempotencyKey: `key of ${name}` })
      expect(await client.send('orders', 'keyed', { transaction, idempotencyKey: `key of ${name}` })).toBe(
        key,
      )
      ids = [one, ...many.ids, key]
      // Nobody else sees it yet.
      expect((await client.metrics('orders')).total).toBe(0)
    })
    const messages = await client.peek('orders')
    expect(messages.map(({ id }) => id)).toEqual(ids)
    expect(messages.map((message) => message.payload)).toEqual([
      payload,
      'a string',
      [1, 2],
      null,
      7,
      'keyed',
    ])
    expect(messages[0]?.headers).toEqual({ h: 'ä' })
    expect(messages[4]?.visibleAt).toBeGreaterThan(messages[3]?.visibleAt ?? 0)
  })

  it('takes what was sent with it when it rolls back', async () => {
    await client.purge('orders')
    const failure = await failureOf(
      inTransaction(async (transaction) => {
        await client.send('orders', 'gone', { transaction })
        await client.send('orders', 'gone', { transaction, idempotencyKey: `rolled back ${name}` })
        throw new Error('the caller changed their mind')
      }),
    )
    expect(failure.message).toBe('the caller changed their mind')
    expect((await client.metrics('orders')).total).toBe(0)
    const { duplicateIds } = await client.sendMany('orders', [
      { payload: 1, idempotencyKey: `rolled back ${name}` },
    ])
    expect(duplicateIds).toEqual([])
  })

  it('reports what the database says as our own error', async () => {
    const secret = 'payload that nobody must see'
    await client.create('refusing')
    await database.query(
      `alter table pgmq.q_refusing drop constraint if exists never; alter table pgmq.q_refusing add constraint never check (message <> '"${secret}"')`,
    )
    const errors: Error[] = []
    await inTransaction(async (transaction) => {
      errors.push(await failureOf(client.send('refusing', secret, { transaction })))
      throw new Error('rolled back')
    }).catch(() => {})
    expect(errors).toMatchObject([{ code: 'queue/database-failed', cause: { code: '23514' } }])
    expect(`${errors[0]?.message}${errors[0]?.cause}`).not.toContain(secret)
  })
})

describe('PGlite in this process', () => {
  it('is a client, and a transaction, with the genuine pgmq', async () => {
    const lite = await PGlite.create({ extensions: { pgmq } })
    await lite.exec('create extension pgmq')
    const local = createQueueClient({ client: lite })
    await local.check()
    await local.install()
    await local.create('jobs')
    await lite.transaction(async (transaction) => {
      await local.send('jobs', { kept: true }, { transaction, headers: { a: 1 } })
    })
    await failureOf(
      lite.transaction(async (transaction) => {
        await local.send('jobs', 'gone', { transaction })
        throw new Error('rolled back')
      }),
    )
    const orm = drizzlePglite({ client: lite })
    await orm.transaction(async (tx) => {
      await local.send('jobs', 'by drizzle', { transaction: drizzleTransaction(tx), idempotencyKey: 'k' })
    })
    const { messages } = await local.read('jobs', { count: 10, leaseMs: 60_000 })
    expect(messages).toMatchObject([
      { payload: { kept: true }, headers: { a: 1 } },
      { payload: 'by drizzle' },
    ])
    const [first, second] = messages
    if (first === undefined || second === undefined) throw new Error('expected two messages')
    const { id, readCount, enqueuedAt } = second
    const { lost, deadLettered } = await local.settle('jobs', {
      settlements: [
        { ...first, action: 'archive' },
        { id, readCount, enqueuedAt, action: 'dead-letter', deadLetterQueue: 'jobs_dlq', reason: 'r' },
      ],
    })
    expect(lost).toEqual([])
    expect(deadLettered).toHaveLength(1)
    expect(await local.redrive('jobs_dlq')).toMatchObject({ count: 1 })
    expect(await local.metrics('jobs')).toMatchObject({ total: 1, archived: 1 })
    await local.close()
    expect(lite.closed).toBe(false)
    await lite.close()
  })
})

it('takes a pg.Client that is connected', async () => {
  const session = new pg.Client({ connectionString: database.url })
  await session.connect()
  const single = createQueueClient({ client: session })
  await client.purge('orders')
  await Promise.all([single.send('orders', 1), single.send('orders', 2)])
  await single.close()
  expect((await session.query('select count(*)::int as n from pgmq.q_orders')).rows).toEqual([{ n: 2 }])
  await session.end()
})

it('reads in the middle of the caller’s transaction, whose commit waits for the disk as before', async () => {
  const session = new pg.Client({ connectionString: database.url })
  await session.connect()
  const single = createQueueClient({ client: session })
  await client.send('orders', 1)
  await session.query('begin')
  const { messages } = await single.read('orders', { count: 1, leaseMs: 1000 })
  expect(messages).toHaveLength(1)
  expect((await session.query('show synchronous_commit')).rows).toEqual([{ synchronous_commit: 'on' }])
  await session.query('rollback')
  await session.end()
})
