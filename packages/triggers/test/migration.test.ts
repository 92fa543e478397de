import type { Clock } from '@aimq/events'
import { systemClock } from '@aimq/events'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { triggersClientOn } from '../src/client.ts'
import { openDatabase } from '../src/database.ts'
import { createTriggersClient, type TriggersClient, triggerDefaults } from '../src/index.ts'
import { resolveOptions } from '../src/options.ts'
import { catalogueOf, createDatabase, failureOf, type TestDatabase } from './database.ts'
import { createRealtime } from './realtime-schema.ts'

let database: TestDatabase
let triggers: TriggersClient

const noon: Clock = { ...systemClock, now: () => Date.UTC(2026, 10, 23, 12, 0, 0) }

beforeAll(async () => {
  database = await createDatabase()
  await createRealtime(database)
  triggers = triggersClientOn(openDatabase(resolveOptions({ connectionString: database.url })), {
    usual: triggerDefaults,
    clock: noon,
    observer: {},
  })
  await database.query(`select pgmq.create('emails'), pgmq.create('reports')`)
})

afterAll(() => database[Symbol.asyncDispose]())

beforeEach(() => triggers.remove())

/** Functions are made anew each time; what counts is all but their numbers. */
async function catalogue(): Promise<unknown> {
  return JSON.parse(JSON.stringify(await catalogueOf(database)).replaceAll(/\/\d+"/g, '"'))
}

describe.each([
  ['one queue over NOTIFY', { queues: ['emails'] }, 'notify_emails'],
  [
    'two queues over both paths, with the policy',
    { queues: ['emails', 'reports'], paths: ['notify', 'realtime'] as const, policy: true },
    'notify_2_queues',
  ],
  [
    'an unthrottled public topic',
    { queues: ['emails'], paths: ['realtime'] as const, private: false, throttleMs: 0 },
    'notify_emails',
  ],
])('a migration for %s', (_, wish, what) => {
  it('gives exactly what install gives, any number of times, and takes it away again', async () => {
    const before = await catalogue()
    await triggers.install(wish)
    const installed = await catalogue()
    const rows = await ledger()
    await triggers.remove()
    const { fileName, sql } = await triggers.migration(wish)
    expect(fileName).toBe(`20261123120000_aimq_${what}.sql`)
    await database.query(sql)
    expect(await catalogue()).toEqual(installed)
    expect(await ledger()).toEqual(rows)
    expect((await triggers.plan(wish)).changes).toEqual([])
    await database.query(sql)
    expect(await catalogue()).toEqual(installed)
    const undo = await triggers.migration({ queues: wish.queues, remove: true })
    await database.query(undo.sql)
    expect(await catalogue()).toEqual(before)
    await database.query(undo.sql)
  })
})

async function ledger(): Promise<unknown> {
  return database.query('select package, name, checksum from aimq.migration order by 1, 2')
}

it('is the same text for the same wish, and says nothing of the database it was asked on', async () => {
  const elsewhere = createTriggersClient({ connectionString: 'postgres://ada:s3cret@db.example.com/app' })
  const [one, other] = [
    await triggers.migration({ queues: ['emails'] }),
    await elsewhere.migration({ queues: ['emails'], naming: 'plain' }),
  ]
  expect(other.fileName).toBe('aimq_notify_emails.sql')
  expect(one.sql).toBe(other.sql)
  expect(other.sql).not.toMatch(/s3cret|ada|example/)
})

it('runs as part of somebody’s transaction', async () => {
  const { sql } = await triggers.migration({ queues: ['emails'] })
  const before = await catalogue()
  await database.query(`begin; ${sql}; rollback`)
  expect(await catalogue()).toEqual(before)
  await database.query(`begin; ${sql}; commit`)
  expect((await triggers.list({ queues: ['emails'] })).triggers[0]).toMatchObject({
    installed: true,
    findings: [],
  })
})

it('mends drift, and keeps what others need when only one queue goes', async () => {
  await triggers.install({ queues: ['emails', 'reports'] })
  await database.query('alter table pgmq.q_emails disable trigger aimq_notify_emails')
  await database.query((await triggers.migration({ queues: ['emails'] })).sql)
  expect((await triggers.list({ queues: ['emails'] })).triggers[0]?.findings).toEqual([])
  await database.query((await triggers.migration({ queues: ['emails'], remove: true })).sql)
  expect((await triggers.list()).triggers.map(({ name, installed }) => [name, installed])).toEqual([
    ['emails', false],
    ['reports', true],
  ])
})

it('says which queue is not there', async () => {
  const { sql } = await triggers.migration({ queues: ['nowhere'] })
  expect((await failureOf(database.query(sql))).message).toContain('expected a logged queue "nowhere"')
})

it('lets go of a table that somebody holds, and gets it when it is free', async () => {
  const { sql } = await triggers.migration({ queues: ['emails'] })
  const holder = await database.pool.connect()
  await holder.query(`begin; select pgmq.send('emails', '{}')`)
  const running = database.query(sql)
  const waiting = () =>
    database.query(`select from pg_locks where not granted and relation = 'pgmq.q_emails'::regclass`)
  await expect.poll(waiting, { interval: 5, timeout: 10_000 }).toHaveLength(1)
  // Stands behind it, and would to the end if it did not let go: the table is held until this has been sent.
  await database.query(`select pgmq.send('emails', '{}')`)
  await holder.query('commit')
  holder.release()
  await running
  expect((await triggers.list({ queues: ['emails'] })).triggers[0]).toMatchObject({
    installed: true,
    findings: [],
  })
})
