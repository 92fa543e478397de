import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTriggersClient, type TriggersClient } from '../src/index.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { broadcasts, createRealtime } from './realtime-schema.ts'

let database: TestDatabase
let triggers: TriggersClient

beforeAll(async () => {
  database = await createDatabase()
  await createRealtime(database)
  triggers = createTriggersClient({ connectionString: database.url })
  await database.query(`select pgmq.create('emails')`)
})

afterAll(() => database[Symbol.asyncDispose]())

const wish = { queues: ['emails'], paths: ['notify', 'realtime'] as const, throttleMs: 250 }

beforeEach(async () => {
  await triggers.remove()
  await triggers.install(wish)
})

async function problems(): Promise<string[]> {
  const [state] = (await triggers.list({ queues: ['emails'] })).triggers
  return state?.findings.map(({ problem }) => problem) ?? []
}

/** A version of ours from before there were versions. */
const previous = `
  create or replace function aimq.notify_job_enqueued() returns trigger language plpgsql security definer set search_path = '' as $$
  begin perform pg_notify(TG_ARGV[0], TG_ARGV[1]); return null; end $$;
  comment on function aimq.notify_job_enqueued() is 'AIMQ trigger function, version 0: earlier';
  create or replace trigger aimq_notify_emails after insert on pgmq.q_emails for each statement
    execute function aimq.notify_job_enqueued('aimq:jobs', 'emails')`

describe.each([
  ['a disabled trigger', 'alter table pgmq.q_emails disable trigger aimq_notify_emails', ['disabled']],
  ['all triggers disabled', 'alter table pgmq.q_emails disable trigger all', ['disabled']],
  [
    'one that fires only for replication',
    'alter table pgmq.q_emails enable replica trigger aimq_notify_emails',
    ['disabled'],
  ],
  [
    'one that fires for replication, too',
    'alter table pgmq.q_emails enable always trigger aimq_notify_emails',
    ['drifted'],
  ],
  ['a trigger that was dropped', 'drop trigger aimq_notify_emails on pgmq.q_emails', ['missing']],
  ['a function that was dropped', 'drop function aimq.notify_job_enqueued cascade', ['missing']],
  [
    'a trigger for each row',
    `create or replace trigger aimq_notify_emails after insert on pgmq.q_emails for each row execute function aimq.notify_job_enqueued('1', 'emails', 'aimq:jobs', 'asleep', 'private', '250')`,
    ['drifted'],
  ],
  [
    'the arguments of another queue',
    `create or replace trigger aimq_notify_emails after insert on pgmq.q_emails referencing new table as inserted for each statement execute function aimq.notify_job_enqueued('1', 'others', 'aimq:jobs', 'asleep', 'private', '250')`,
    ['drifted'],
  ],
  [
    'another body',
    `create or replace function aimq.notify_job_enqueued() returns trigger language plpgsql security definer set search_path = '' as 'begin return null; end'`,
    ['drifted'],
  ],
  ['rights of the caller', 'alter function aimq.notify_job_enqueued() security invoker', ['drifted']],
  ['a search path', 'alter function aimq.notify_job_enqueued() reset search_path', ['drifted']],
  [
    'rights of PUBLIC',
    'grant execute on function aimq.register_listener to public; grant select on aimq.listener to public',
    ['drifted', 'drifted'],
  ],
  ['a listener function that was dropped', 'drop function aimq.forget_listener', ['drifted']],
  ['a listener table that was dropped', 'drop table aimq.listener', ['drifted']],
  [
    'throttled hints that are never sent',
    'alter table aimq.throttled_hint disable trigger aimq_send_throttled_hint',
    ['disabled'],
  ],
  ['a throttle without its row', 'delete from aimq.last_hint', ['drifted']],
  ['a ledger that was emptied', 'delete from aimq.migration', ['drifted', 'drifted']],
  ['a ledger that was dropped', 'drop table aimq.migration', ['drifted', 'drifted', 'drifted']],
  ['the previous version', previous, ['old-version', 'old-version']],
])('%s', (_, damage, expected) => {
  it('is found by list and mended by repair', async () => {
    await database.query(damage)
    expect(await problems()).toEqual(expected)
    expect((await triggers.repair({ queues: ['emails'] })).changes).not.toEqual([])
    expect(await problems()).toEqual([])
    expect((await triggers.repair({ queues: ['emails'] })).changes).toEqual([])
  })
})

it('mends with the settings that stand', async () => {
  await database.query('alter table pgmq.q_emails disable trigger aimq_notify_emails')
  await triggers.repair()
  expect((await triggers.list()).triggers[0]?.settings).toEqual({
    paths: ['notify', 'realtime'],
    channel: 'aimq:jobs',
    private: true,
    always: false,
    throttleMs: 250,
  })
})

it('leaves alone what a newer version made, its note in the ledger included', async () => {
  await database.query(
    `update aimq.migration set checksum = 'of a newer version' where package = '@aimq/triggers';
     comment on function aimq.send_throttled_hint() is 'AIMQ trigger function, version 7: later';
     comment on function aimq.notify_job_enqueued() is 'AIMQ trigger function, version 7: later';
     create or replace trigger aimq_notify_emails after insert on pgmq.q_emails referencing new table as inserted
       for each statement execute function aimq.notify_job_enqueued('7', 'emails', 'more')`,
  )
  const [state] = (await triggers.list({ queues: ['emails'] })).triggers
  expect(state).toMatchObject({ installed: true, version: 7 })
  expect(state?.findings.map(({ message }) => message).join()).toContain('upgrade @aimq/triggers')
  expect((await triggers.install(wish)).changes).toEqual([])
  expect((await triggers.repair()).changes).toEqual([])
  expect(await database.query('select distinct checksum from aimq.migration')).toEqual([
    { checksum: 'of a newer version' },
  ])
})

it('mends a queue that has our trigger twice', async () => {
  await database.query(
    `create trigger aimq_notify_again after insert on pgmq.q_emails referencing new table as inserted for each statement
       execute function aimq.notify_job_enqueued('1', 'emails', 'aimq:jobs', 'always', 'off', '100');
     create trigger aimq_notify_and_again after insert on pgmq.q_emails referencing new table as inserted for each statement
       execute function aimq.notify_job_enqueued('1', 'emails', 'aimq:jobs', 'always', 'off', '100')`,
  )
  expect(await problems()).toEqual(['drifted'])
  await triggers.repair()
  expect(await problems()).toEqual([])
  const [state] = (await triggers.list()).triggers
  expect(state?.settings).toMatchObject({ paths: ['notify', 'realtime'], always: false, throttleMs: 250 })
  expect(
    await database.query(`select tgname from pg_trigger where tgrelid = 'pgmq.q_emails'::regclass`),
  ).toEqual([{ tgname: 'aimq_notify_emails' }])
})

describe.each([
  ['the database', (name: string) => `database ${name}`],
  ['a role in the database', (name: string) => `role current_user in database ${name}`],
])('session_replication_role = replica of %s', (_, of) => {
  const who = () => of(database.name)
  beforeEach(async () => {
    await database.query(`alter ${who()} set session_replication_role = replica`)
    return () => database.query(`alter ${who()} reset session_replication_role`)
  })

  it('is found by list and mended by repair, so that what such a session sends is told', async () => {
    expect(await problems()).toEqual(['disabled', 'disabled'])
    await triggers.repair()
    expect(await problems()).toEqual([])
    expect((await triggers.repair()).changes).toEqual([])
    await using session = await listening()
    await session.query(`select pgmq.send('emails', '{}')`)
    expect(await session.told).toContain('"queue":"emails"')
    expect(await broadcasts(database)).toHaveLength(1)
  })

  it('is heeded by install, and no more when it has gone', async () => {
    await triggers.remove()
    await triggers.install(wish)
    expect(await problems()).toEqual([])
    await database.query(`alter ${who()} reset session_replication_role`)
    expect(await problems()).toEqual(['drifted', 'drifted'])
    await triggers.repair()
    expect(await problems()).toEqual([])
  })
})

/** A session that begins now, with its role's settings, and hears what is told of queues. */
async function listening() {
  await database.query('truncate realtime.messages')
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query('listen "aimq:jobs"')
  await client.query(`select aimq.register_listener($1, '{}')`, [randomUUID()])
  const told = new Promise<string>((resolve) =>
    client.once('notification', ({ payload = '' }) => resolve(payload)),
  )
  return Object.assign(client, { told, [Symbol.asyncDispose]: () => client.end() })
}

it('reports a channel on which nobody listens, and install moves it', async () => {
  await triggers.install({ ...wish, channel: 'aimq:elsewhere' })
  expect(await problems()).toEqual(['wrong-channel'])
  await triggers.install(wish)
  expect(await problems()).toEqual([])
})

it('finds what a dropped and recreated pgmq has taken away', async () => {
  await using other = await createDatabase()
  const client = createTriggersClient({ connectionString: other.url })
  await other.query(`select pgmq.create('emails')`)
  await client.install()
  // As up to pgmq 1.5, where queues belong to the extension.
  await other.query('alter extension pgmq add table pgmq.q_emails; drop extension pgmq cascade')
  await other.query(`create extension pgmq; select pgmq.create('emails')`)
  expect((await client.list()).triggers).toMatchObject([
    { installed: false, findings: [{ problem: 'missing' }] },
  ])
  await client.repair({ queues: ['emails'] })
  expect((await client.list()).triggers).toMatchObject([{ installed: true, findings: [] }])
})
