import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createQueueClient, type QueueClient } from '../src/index.ts'
import { createDatabase, failureOf, type TestDatabase } from './database.ts'

let database: TestDatabase
let owner: QueueClient
const suffix = randomBytes(4).toString('hex')
const made: string[] = []

beforeAll(async () => {
  database = await createDatabase()
  owner = createQueueClient({ connectionString: database.url })
  await owner.install()
  for (const queue of ['jobs', 'jobs_dlq']) await owner.create(queue)
})

afterAll(async () => {
  await owner.close()
  for (const role of made) await database.query(`drop owned by ${role}; drop role ${role}`)
  await database[Symbol.asyncDispose]()
})

async function withRole(name: string): Promise<{ role: string; client: QueueClient }> {
  const role = `queue_${name}_${suffix}`
  await database.query(`create role ${role} login password 'role-password'`)
  made.push(role)
  return { role, client: createQueueClient({ connectionString: database.urlAs(role, 'role-password') }) }
}

/** Runs what the message of an error says to run. */
async function obey(message: string, role: string): Promise<void> {
  const grants = message.match(/grant .*;/g)
  if (grants === null) throw new Error(`expected GRANT statements in: ${message}`)
  for (const grant of grants) await database.query(grant.replaceAll('<role>', role))
}

describe('a role with too few rights', () => {
  it.each<[string, (client: QueueClient) => Promise<unknown>]>([
    ['send', (client) => client.send('jobs', 1)],
    ['send with a key', (client) => client.send('jobs', 1, { idempotencyKey: 'k' })],
    ['read', (client) => client.read('jobs', { count: 1, leaseMs: 1000 })],
    [
      'settle',
      async (client) => {
        const id = await owner.send('jobs', 1)
        const [message] = await owner.peek('jobs', { afterId: String(BigInt(id) - 1n) })
        if (message === undefined) throw new Error('expected the message just sent')
        const settled = await client.settle('jobs', {
          settlements: [{ ...message, action: 'archive' }],
          read: { count: 1, leaseMs: 1 },
        })
        expect(settled.lost).toEqual([])
      },
    ],
    [
      'dead-letter',
      async (client) => {
        const id = await owner.send('jobs', 1)
        const [message] = await owner.peek('jobs', { afterId: String(BigInt(id) - 1n) })
        if (message === undefined) throw new Error('expected the message just sent')
        const { readCount, enqueuedAt } = message
        const settled = await client.settle('jobs', {
          settlements: [
            { id, readCount, enqueuedAt, action: 'dead-letter', deadLetterQueue: 'jobs_dlq', reason: 'r' },
          ],
        })
        expect(settled.lost).toEqual([])
      },
    ],
    ['redrive', (client) => client.redrive('jobs_dlq', { to: 'jobs' })],
    ['peek', (client) => client.peek('jobs')],
    ['peek the archive', (client) => client.peek('jobs', { archived: true })],
    ['metrics', (client) => client.metrics('jobs')],
    ['probe', (client) => client.probe('jobs')],
    ['list', (client) => client.list()],
    ['purge', (client) => client.purge('jobs')],
    ['prune', (client) => client.pruneArchive('jobs', { olderThanMs: 0 })],
    ['prune keys', (client) => client.pruneIdempotencyKeys()],
  ])('can %s once it was granted what the error names, and nothing less', async (name, call) => {
    const { role, client } = await withRole(name.replaceAll(/[ -]/g, '_'))
    const error = await failureOf(call(client))
    expect(error).toMatchObject({ code: 'queue/permission-denied', transient: false })
    await obey(error.message, role)
    await call(client)
    await client.close()
  })

  it('is told at the start when it may not look into pgmq at all', async () => {
    const { role, client } = await withRole('starter')
    const error = await failureOf(client.check())
    expect(error).toMatchObject({ code: 'queue/permission-denied' })
    expect(error.message).toContain(`grant usage on schema pgmq to "${role}"`)
    await database.query(`grant usage on schema pgmq to ${role}`)
    await client.check()
    await client.close()
  })

  it('is told exactly what is missing when it may not make the dead-letter queue', async () => {
    const { role, client } = await withRole('maker')
    await database.query(
      `grant usage on schema pgmq to ${role}; grant select, update, delete on pgmq.q_jobs to ${role}`,
    )
    await owner.send('jobs', 1)
    const { messages } = await client.read('jobs', { count: 1, leaseMs: 60_000 })
    const [message] = messages
    if (message === undefined) throw new Error('expected a message')
    const { id, readCount, enqueuedAt } = message
    const call = () =>
      client.settle('jobs', {
        settlements: [
          { id, readCount, enqueuedAt, action: 'dead-letter', deadLetterQueue: 'morgue', reason: 'r' },
        ],
      })
    const error = await failureOf(call())
    expect(error).toMatchObject({ code: 'queue/permission-denied' })
    const [create, grant] = error.message.match(/(select pgmq\.create|grant insert).*?;/g) ?? []
    await database.query(String(create))
    await database.query(String(grant).replaceAll('<role>', role))
    expect((await call()).deadLettered).toHaveLength(1)
    await client.close()
  })
})
