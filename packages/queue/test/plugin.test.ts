import { createBus, type FactName, type Facts, silentLogger } from '@aimq/events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { queue } from '../src/index.ts'
import { createDatabase, failureOf, type TestDatabase } from './database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
})

afterAll(async () => {
  await database[Symbol.asyncDispose]()
})

function busWithRecord() {
  const bus = createBus({ logger: silentLogger })
  const facts: [FactName, unknown][] = []
  const names: FactName[] = [
    'queue:created',
    'queue:dropped',
    'queue:purged',
    'queue:message-dead-lettered',
    'job:enqueued',
  ]
  for (const name of names) bus.on(name, (fact: Facts[FactName]) => facts.push([name, fact]))
  return { bus, facts }
}

it('answers every request and says what it did', async () => {
  const { bus, facts } = busWithRecord()
  const service = await bus.use(queue({ connectionString: database.url }))
  expect(await bus.request('queue:create', { queue: 'mail' })).toEqual({ created: true })
  expect(await bus.request('queue:create', { queue: 'mail' })).toEqual({ created: false })
  const sent = await bus.request('queue:send', {
    queue: 'mail',
    messages: [{ payload: 1 }, { payload: 2, headers: { h: 1 } }],
  })
  expect(sent).toEqual({ ids: ['1', '2'], duplicateIds: [] })
  const due = Date.now() + 3_600_000
  await service.client.sendMany('mail', [
    { payload: 3, dueAt: due },
    { payload: 4, dueAt: due + 5 },
  ])
  const { messages, next } = await bus.request('queue:read', { queue: 'mail', count: 5, leaseMs: 30_000 })
  expect(messages.map(({ payload }) => payload)).toEqual([1, 2])
  expect(next).toBeNull()
  expect(await bus.request('queue:extend', { queue: 'mail', leases: messages, leaseMs: 30_000 })).toEqual({
    lost: [],
  })
  expect((await bus.request('queue:probe', { queue: 'mail' })).newestId).toBe('4')
  const [first, second] = messages
  if (first === undefined || second === undefined) throw new Error('expected two messages')
  const settled = await bus.request('queue:settle', {
    queue: 'mail',
    settlements: [
      { ...first, action: 'archive' },
      {
        id: second.id,
        readCount: second.readCount,
        enqueuedAt: second.enqueuedAt,
        action: 'dead-letter',
        deadLetterQueue: 'mail_dlq',
        reason: 'no',
      },
    ],
    read: { count: 1, leaseMs: 1000 },
  })
  expect(settled).toMatchObject({ lost: [], read: { messages: [] } })
  expect(Object.keys(settled).sort()).toEqual(['lost', 'read'])
  expect(await bus.request('queue:redrive', { queue: 'mail_dlq' })).toEqual({ count: 1 })
  expect(await bus.request('queue:metrics', { queue: 'mail' })).toMatchObject({ total: 3, archived: 1 })
  const { queues } = await bus.request('queue:list', {})
  expect(queues.map((info) => info.queue)).toEqual(['mail', 'mail_dlq'])
  expect((await bus.request('queue:peek', { queue: 'mail', archived: true })).messages).toHaveLength(1)
  expect(await bus.request('queue:purge', { queue: 'mail' })).toEqual({ count: 3 })
  expect(await bus.request('queue:capabilities', {})).toMatchObject({
    partitioned: false,
    idempotency: false,
  })
  expect(await bus.request('queue:drop', { queue: 'mail' })).toEqual({ dropped: true })
  expect(facts).toEqual([
    ['queue:created', { queue: 'mail' }],
    ['job:enqueued', { queue: 'mail', count: 2, source: 'client' }],
    ['job:enqueued', { queue: 'mail', count: 2, dueAt: due, source: 'client' }],
    [
      'queue:message-dead-lettered',
      { queue: 'mail', id: '2', deadLetterQueue: 'mail_dlq', deadLetterId: '1', reason: 'no' },
    ],
    ['job:enqueued', { queue: 'mail_dlq', count: 1, source: 'client' }],
    ['job:enqueued', { queue: 'mail', count: 1, source: 'client' }],
    ['queue:purged', { queue: 'mail', count: 3 }],
    ['queue:dropped', { queue: 'mail' }],
  ])
  for (const fact of facts) expect(JSON.parse(JSON.stringify(fact))).toEqual(fact)
  await bus.stop()
  expect(service.client.closed).toBe(true)
  expect(bus.canRequest('queue:send')).toBe(false)
})

it('leaves out what a newer contract may have added to a message, and refuses the same of a person', async () => {
  const { bus } = busWithRecord()
  const { client } = await bus.use(queue({ connectionString: database.url }))
  await bus.request('queue:create', { queue: 'grown' })
  const newer = { payload: 1, priority: 7 }
  expect((await bus.request('queue:send', { queue: 'grown', messages: [newer] })).ids).toHaveLength(1)
  expect(await failureOf(client.sendMany('grown', [newer]))).toMatchObject({
    message: expect.stringContaining('priority'),
  })
  await bus.stop()
})

it('starts again after a stop, and tolerates both many times over', async () => {
  const bus = createBus({ logger: silentLogger })
  const service = await bus.use(queue({ connectionString: database.url }))
  for (let round = 0; round < 3; round++) {
    await Promise.all([service.stop(), service.stop(), service.start(), service.start(), service.stop()])
    await Promise.all([service.start(), service.start()])
    expect((await bus.request('queue:list', {})).queues).toBeInstanceOf(Array)
  }
  await service.stop()
  expect((await failureOf(bus.request('queue:list', {}))).message).toContain('nobody on this bus answers')
  await bus.stop()
})

it('fails at the start with one readable error, and leaves nothing behind', async () => {
  const bus = createBus({ logger: silentLogger })
  const unreachable = await failureOf(
    bus.use(queue({ connectionString: 'postgres://me:hidden@127.0.0.1:1/app' })),
  )
  expect(unreachable).toMatchObject({ code: 'queue/unreachable' })
  expect(unreachable.message).not.toContain('hidden')
  await using bare = await createDatabase('template0')
  expect(await failureOf(bus.use(queue({ connectionString: bare.url })))).toMatchObject({
    code: 'queue/pgmq-missing',
  })
  expect(bus.canRequest('queue:send')).toBe(false)
  await bus.use(queue({ connectionString: database.url }))
  await bus.stop()
})

it('says nothing of a send in the caller’s transaction', async () => {
  const { bus, facts } = busWithRecord()
  const { client } = await bus.use(queue({ connectionString: database.url }))
  await client.create('silent')
  const transaction = await database.pool.connect()
  await transaction.query('begin')
  await client.send('silent', 1, { transaction })
  await transaction.query('commit')
  transaction.release()
  expect(facts.map(([name]) => name)).toEqual(['queue:created'])
  await bus.stop()
})
