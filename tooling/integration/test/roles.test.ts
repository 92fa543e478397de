/*
 * The roles that `@aimq/triggers` makes are enough for the genuine client, worker and installer, and for no more than
 * their own job. Statement by statement: `packages/triggers/test/roles-attempts.test.ts`.
 */
import { randomBytes } from 'node:crypto'
import { type AimqRole, type Bus, createBus, silentLogger } from '@aimq/events'
import { nextFact } from '@aimq/events/testing'
import { createQueueClient, type QueueClient, queue } from '@aimq/queue'
import { realtime } from '@aimq/realtime'
import { createTriggersClient } from '@aimq/triggers'
import { deadLetter, retry, worker } from '@aimq/worker'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase, type TestDatabase } from '../harness/database.ts'

interface World {
  readonly database: TestDatabase
  readonly owner: QueueClient
  /** The URL of a user who has this role and nothing else. */
  urlOf(role: AimqRole): string
  clientOf(role: AimqRole): QueueClient
}

const denied = { code: 'queue/permission-denied' }

/** Queues `emails`, for which there are roles, and `orders`, for which there are none. */
async function world(rowSecurity: boolean, { triggers = true } = {}): Promise<World> {
  const database = await createDatabase()
  const prefix = `r${randomBytes(4).toString('hex')}`
  const owner = createQueueClient({ connectionString: database.url })
  await owner.install()
  for (const name of ['emails', 'orders']) await owner.create(name)
  const admin = createTriggersClient({ connectionString: database.url })
  if (triggers) await admin.install({ queues: ['emails', 'orders'] })
  const wish = { queues: ['emails'], prefix, rowSecurity, apply: true }
  await admin.roles(wish)
  const users = ['installer', 'producer', 'worker', 'reader'] as const
  for (const role of users) {
    await database.query(`create role ${prefix}_my_${role} login password 'pw' in role ${prefix}_${role}`)
  }
  const clients: QueueClient[] = []
  onTestFinished(async () => {
    await Promise.all([owner, ...clients].map((client) => client.close()))
    for (const role of users) {
      await database.query(`drop owned by ${prefix}_my_${role} cascade; drop role ${prefix}_my_${role}`)
    }
    await database.query(`drop owned by ${prefix}_installer cascade`)
    await admin.roles({ ...wish, remove: true })
    await database[Symbol.asyncDispose]()
  })
  const urlOf = (role: AimqRole) => {
    const url = new URL(database.url)
    url.username = `${prefix}_my_${role}`
    url.password = 'pw'
    return url.href
  }
  return {
    database,
    owner,
    urlOf,
    clientOf(role) {
      const client = createQueueClient({ connectionString: urlOf(role), logger: silentLogger })
      clients.push(client)
      return client
    },
  }
}

describe.each([
  ['by grants alone', false],
  ['with row security', true],
])('%s', (_, rowSecurity) => {
  it('a producer sends, with idempotency keys, in batches and in transactions, to its queue', async () => {
    const { clientOf, urlOf, owner } = await world(rowSecurity)
    const client = clientOf('producer')
    await client.check()
    const id = await client.send('emails', { n: 1 }, { idempotencyKey: 'k', delayMs: 10, headers: { a: 1 } })
    expect(await client.send('emails', { n: 1 }, { idempotencyKey: 'k' })).toBe(id)
    await client.sendMany('emails', [{ payload: 2 }, { payload: 3, idempotencyKey: 'l' }])
    const transaction = new pg.Client({ connectionString: urlOf('producer') })
    await transaction.connect()
    await transaction.query('begin')
    await client.send('emails', 4, { transaction })
    await transaction.query('commit')
    await transaction.end()
    expect((await owner.metrics('emails')).total).toBe(4)

    await expect(client.send('orders', 1)).rejects.toMatchObject(denied)
    await expect(client.send('orders', 1, { idempotencyKey: 'k' })).rejects.toMatchObject(denied)
    await expect(client.read('emails', { count: 1, leaseMs: 1000 })).rejects.toMatchObject(denied)
    await expect(client.peek('emails')).rejects.toMatchObject(denied)
    await expect(client.metrics('emails')).rejects.toMatchObject(denied)
    await expect(client.list()).rejects.toMatchObject(denied)
    await expect(client.purge('emails')).rejects.toMatchObject(denied)
    await expect(client.pruneIdempotencyKeys()).rejects.toMatchObject(denied)
    await expect(client.create('more')).rejects.toMatchObject(denied)
    await expect(client.drop('emails')).rejects.toBeDefined()
  })

  it('a worker is woken, completes, retries, renews leases, dead-letters and drains', async () => {
    const { database, clientOf, urlOf, owner } = await world(rowSecurity)
    const bus: Bus = createBus({ logger: silentLogger })
    onTestFinished(() => bus.stop({ signal: AbortSignal.abort() }))
    await bus.use(queue({ connectionString: urlOf('worker') }))
    await bus.use(
      worker({
        handlers: {
          emails: async ({ payload, attempt }) => {
            if (payload === 'retry' && attempt === 1) return retry({ delaySeconds: 0 })
            if (payload === 'bad') return deadLetter({ reason: 'bad' })
            if (payload === 'slow') await new Promise((resolve) => setTimeout(resolve, 2500))
            return undefined
          },
        },
        defaults: { leaseMs: 1000 },
        // Only the trigger's hint explains a start.
        pollIntervalMs: 3_600_000,
      }),
    )
    const healthy = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy')
    await bus.use(realtime({ listen: urlOf('worker') }))
    await healthy
    expect((await database.query('select count(*)::int as n from aimq.listener')).rows).toEqual([{ n: 1 }])

    const producer = clientOf('producer')
    const done = ['plain', 'retry', 'slow'].map((payload) => async () => {
      const id = await producer.send('emails', payload)
      await nextFact(bus, 'worker:job-completed', (fact) => fact.id === id)
    })
    const lost = nextFact(bus, 'worker:lease-lost').then(
      () => 'lost',
      () => 'never lost',
    )
    for (const step of done) await step()
    const dead = nextFact(bus, 'queue:message-dead-lettered')
    await producer.send('emails', 'bad')
    expect(await dead).toMatchObject({ deadLetterQueue: 'emails_dlq', reason: 'bad' })
    await bus.request('worker:drain', {})
    expect(await owner.metrics('emails')).toMatchObject({ total: 0, archived: 3 })
    expect((await owner.metrics('emails_dlq')).total).toBe(1)
    expect(await Promise.race([lost, 'not lost so far'])).toBe('not lost so far')

    const client = clientOf('worker')
    expect((await client.list()).map(({ queue: name }) => name)).toContain('emails')
    await expect(client.send('emails', 1)).rejects.toMatchObject(denied)
    await expect(client.read('orders', { count: 1, leaseMs: 1 })).rejects.toMatchObject(denied)
    await expect(client.read('emails_dlq', { count: 1, leaseMs: 1 })).rejects.toMatchObject(denied)
    await expect(client.redrive('emails_dlq')).rejects.toMatchObject(denied)
    await expect(client.peek('emails', { archived: true })).rejects.toMatchObject(denied)
    await expect(client.purge('emails')).rejects.toMatchObject(denied)
  })

  it('a reader lists, counts and peeks, and changes nothing', async () => {
    const { clientOf, owner } = await world(rowSecurity)
    await owner.sendMany('emails', [{ payload: 'done' }, { payload: 'waiting' }])
    const { messages } = await owner.read('emails', { count: 1, leaseMs: 60_000 })
    await owner.settle('emails', {
      settlements: messages.map(({ id, readCount, enqueuedAt }) => ({
        id,
        readCount,
        enqueuedAt,
        action: 'archive',
      })),
    })
    const client = clientOf('reader')
    expect((await client.list()).map(({ queue: name }) => name)).toContain('emails')
    expect(await client.metrics('emails')).toMatchObject({ total: 1, archived: 1 })
    expect(await client.metrics('emails_dlq')).toMatchObject({ total: 0 })
    expect(await client.probe('emails')).toMatchObject({ newestId: '2' })
    expect(await client.peek('emails')).toMatchObject([{ payload: 'waiting' }])
    expect(await client.peek('emails', { archived: true })).toMatchObject([{ payload: 'done' }])

    await expect(client.send('emails', 1)).rejects.toMatchObject(denied)
    await expect(client.read('emails', { count: 1, leaseMs: 1 })).rejects.toMatchObject(denied)
    await expect(client.peek('orders')).rejects.toMatchObject(denied)
    await expect(client.purge('emails')).rejects.toMatchObject(denied)
  })
})

it('an installer gives its queue a trigger and makes table changes into jobs, and can do neither elsewhere', async () => {
  const { database, urlOf, clientOf } = await world(false, { triggers: false })
  // What is made is to belong to the role that cannot log in, not to whoever has it.
  const url = new URL(urlOf('installer'))
  const role = url.username.replace('_my_', '_')
  url.searchParams.set('options', `-c role=${role}`)
  const installer = createTriggersClient({ connectionString: url.href })
  await expect(installer.install({ queues: ['orders'] })).rejects.toMatchObject({
    code: 'triggers/permission-denied',
  })
  await installer.install({ queues: ['emails'] })
  expect((await installer.list({ queues: ['emails'] })).triggers).toMatchObject([
    { installed: true, findings: [] },
  ])
  // A producer with the least rights fires a trigger that runs with the installer's.
  await clientOf('producer').send('emails', 1)

  await database.query(`create table public.people (id int); alter table public.people owner to ${role}`)
  await database.query('create table public.others (id int)')
  const job = { name: 'greet', table: 'people', queue: 'emails', payload: ['id'] }
  await installer.installTableJobs({ jobs: [job] })
  await database.query('insert into people values (7)')
  expect(
    (await database.query('select message from pgmq.q_emails order by msg_id desc limit 1')).rows,
  ).toEqual([{ message: { op: 'insert', table: 'public.people', new: { id: 7 }, old: null } }])
  await expect(
    installer.installTableJobs({ jobs: [{ ...job, name: 'spy', table: 'others' }] }),
  ).rejects.toMatchObject({ code: 'triggers/permission-denied' })
  const { rows } = await database.query(
    `select distinct proowner::regrole::text as owner from pg_proc where pronamespace = 'aimq'::regnamespace`,
  )
  expect(rows).toEqual([{ owner: role }])
  await installer.removeTableJobs()
  expect((await installer.listTableJobs()).triggers).toEqual([])
})
