import { readFile } from 'node:fs/promises'
import type { LeasedMessage } from '@aimq/events'
import { describe, expect, it } from 'vitest'
import { createQueueClient, type QueueClient } from '../src/index.ts'
import { createDatabase, leaseOf, recordingLogger, type TestDatabase } from './database.ts'

const fixture = (name: string): Promise<string> =>
  readFile(new URL(`fixtures/${name}`, import.meta.url), 'utf8')

async function older(
  ...fixtures: string[]
): Promise<AsyncDisposable & { database: TestDatabase; client: QueueClient }> {
  const database = await createDatabase('template0')
  for (const name of fixtures) await database.query(await fixture(name))
  const client = createQueueClient({ connectionString: database.url, logger: recordingLogger() })
  return {
    database,
    client,
    async [Symbol.asyncDispose]() {
      await client.close()
      await database[Symbol.asyncDispose]()
    },
  }
}

describe.each([
  ['1.4, without headers', ['pgmq-1.4.4.sql']],
  ['1.5 to 1.9, with headers', ['pgmq-1.4.4.sql', 'pgmq-1.5-tables.sql']],
])('pgmq %s', (_, fixtures) => {
  it('is worked in full, headers, retries, dead letters and keys included', async () => {
    await using older_ = await older(...fixtures)
    const { client } = older_
    await client.check()
    await client.install()
    expect(await client.capabilities()).toMatchObject({ pgmqVersion: null, idempotency: true })
    expect(await client.create('jobs')).toEqual({ created: true })
    const lookalike = {
      aimq: { 'x-aimq-envelope': 'not ours' },
      payload: 'a payload that looks like an envelope',
    }
    await client.sendMany('jobs', [
      { payload: { n: 1 }, headers: { trace: 't' } },
      { payload: lookalike },
      { payload: null },
      { payload: 'keyed', idempotencyKey: 'k', headers: { a: 1 } },
      { payload: 'keyed', idempotencyKey: 'k' },
      { payload: lookalike, headers: { b: 2 } },
    ])
    const { messages } = await client.read('jobs', { count: 10, leaseMs: 60_000 })
    expect(messages.map(({ payload, headers }) => [payload, headers])).toEqual([
      [{ n: 1 }, { trace: 't' }],
      [lookalike, null],
      [null, null],
      ['keyed', { a: 1 }],
      [lookalike, { b: 2 }],
    ])
    const [first, second, third, fourth, fifth] = messages as [
      LeasedMessage,
      LeasedMessage,
      LeasedMessage,
      LeasedMessage,
      LeasedMessage,
    ]
    const settled = await client.settle('jobs', {
      settlements: [
        { ...leaseOf(first), action: 'release', delayMs: 0, headers: { 'x-aimq-failures': 1 } },
        { ...leaseOf(second), action: 'release', delayMs: 0, headers: { 'x-aimq-failures': 1 } },
        { ...leaseOf(third), action: 'release', delayMs: 0 },
        { ...leaseOf(fourth), action: 'archive' },
        {
          ...leaseOf(fifth),
          action: 'dead-letter',
          deadLetterQueue: 'jobs_dlq',
          reason: 'r',
          headers: { c: 3 },
        },
      ],
    })
    expect(settled).toMatchObject({ lost: [], deadLettered: [{ id: fifth.id, deadLetterId: '1' }] })
    const again = await client.read('jobs', { count: 10, leaseMs: 60_000 })
    const sorted = [...again.messages].sort((a, b) => Number(a.id) - Number(b.id))
    expect(sorted.map(({ payload, headers, readCount }) => [payload, headers, readCount])).toEqual([
      [{ n: 1 }, { trace: 't', 'x-aimq-failures': 1 }, 2],
      [lookalike, { 'x-aimq-failures': 1 }, 2],
      [null, null, 2],
    ])
    const [archived] = await client.peek('jobs', { archived: true })
    expect(archived).toMatchObject({ payload: 'keyed', headers: { a: 1 } })
    const [letter] = await client.peek('jobs_dlq')
    expect(letter).toMatchObject({
      payload: lookalike,
      headers: { b: 2, c: 3, 'x-aimq-dead-letter': { queue: 'jobs', id: fifth.id, reason: 'r' } },
    })
    expect(await client.redrive('jobs_dlq')).toMatchObject({ count: 1 })
    const [back] = (await client.read('jobs', { count: 1, leaseMs: 1000 })).messages
    expect(back).toMatchObject({ payload: lookalike, headers: { b: 2, c: 3 } })
    expect(await client.purge('jobs')).toEqual({ count: 4 })
    expect(await client.pruneArchive('jobs', { olderThanMs: 0 })).toEqual({ count: 1 })
    expect((await client.list()).map(({ queue }) => queue)).toEqual(['jobs', 'jobs_dlq'])
    expect(await client.drop('jobs')).toEqual({ dropped: true })
    expect(await client.drop('jobs')).toEqual({ dropped: false })
  })
})

it('moves dead letters between tables of different age, and notices an upgrade while it runs', async () => {
  await using older_ = await older('pgmq-1.4.4.sql')
  const { client, database } = older_
  await client.create('jobs')
  await client.send('jobs', { n: 1 }, { headers: { trace: 't' } })
  await database.query(await fixture('pgmq-1.5-tables.sql'))
  // A queue made after the upgrade has the column, the one before it does not.
  await client.create('jobs_dlq')
  const { messages } = await client.read('jobs', { count: 1, leaseMs: 60_000 })
  await client.settle('jobs', {
    settlements: messages.map((message) => ({
      ...leaseOf(message),
      action: 'dead-letter',
      deadLetterQueue: 'jobs_dlq',
      reason: 'r',
    })),
  })
  const [row] = await database.query('select message, headers from pgmq.q_jobs_dlq')
  expect(row).toMatchObject({ message: { n: 1 }, headers: { trace: 't' } })
  expect(await client.redrive('jobs_dlq')).toMatchObject({ count: 1 })
  expect(await client.peek('jobs')).toMatchObject([{ payload: { n: 1 }, headers: { trace: 't' } }])
  // An upgrade in the middle: what was sent before is read, retried, dead-lettered and redriven after.
  await database.query('alter table pgmq.q_jobs add column headers jsonb')
  const fresh = createQueueClient({ connectionString: database.url })
  const [before] = (await fresh.read('jobs', { count: 1, leaseMs: 60_000 })).messages
  expect(before).toMatchObject({ payload: { n: 1 }, headers: { trace: 't' } })
  await fresh.settle('jobs', {
    settlements: [
      {
        ...leaseOf(before as LeasedMessage),
        action: 'release',
        delayMs: 0,
        headers: { 'x-aimq-failures': 1 },
      },
    ],
  })
  const [after] = (await fresh.read('jobs', { count: 1, leaseMs: 60_000 })).messages
  expect(after).toMatchObject({ payload: { n: 1 }, headers: { trace: 't', 'x-aimq-failures': 1 } })
  await fresh.settle('jobs', {
    settlements: [
      { ...leaseOf(after as LeasedMessage), action: 'dead-letter', deadLetterQueue: 'jobs_dlq', reason: 'r' },
    ],
  })
  expect(await fresh.redrive('jobs_dlq')).toMatchObject({ count: 1 })
  expect(await fresh.peek('jobs')).toMatchObject([{ payload: { n: 1 }, headers: { trace: 't' } }])
  expect(await database.query('select message, headers from pgmq.q_jobs')).toEqual([
    { message: { n: 1 }, headers: { trace: 't' } },
  ])
  await fresh.close()
  // A column that goes away under a client that has seen it.
  await client.create('shrinking')
  await client.send('shrinking', 1, { headers: { a: 1 } })
  await database.query('alter table pgmq.q_shrinking drop column headers')
  await client.send('shrinking', 2, { headers: { a: 2 } })
  expect((await client.peek('shrinking')).map(({ headers }) => headers)).toEqual([null, { a: 2 }])
})
