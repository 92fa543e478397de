import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTriggersClient, type TriggersClient } from '../src/index.ts'
import { createDatabase, notificationsOf, type TestDatabase } from './database.ts'

/* All triggers share one function: a newer one that comes with one queue must not silence the triggers of the others. */

let database: TestDatabase
let triggers: TriggersClient

beforeEach(async () => {
  database = await createDatabase()
  triggers = createTriggersClient({ connectionString: database.url })
  await database.query(`
    select pgmq.create('emails'), pgmq.create('reports');
    create schema aimq;
    create function aimq.notify_job_enqueued() returns trigger language plpgsql security definer set search_path = '' as $$
    begin perform pg_notify(TG_ARGV[0], '{"queue":"' || TG_ARGV[1] || '"}'); return null; end $$;
    comment on function aimq.notify_job_enqueued() is 'AIMQ trigger function, version 0: earlier';
    create trigger aimq_notify_emails after insert on pgmq.q_emails for each statement
      execute function aimq.notify_job_enqueued('aimq:jobs', 'emails');
    create trigger aimq_notify_reports after insert on pgmq.q_reports for each statement
      execute function aimq.notify_job_enqueued('aimq:jobs', 'reports')`)
})

afterEach(() => database[Symbol.asyncDispose]())

const send = () => database.query(`select pgmq.send('reports', '{}')`)

async function told(): Promise<unknown[]> {
  return (await notificationsOf(database, send)).map((hint) => JSON.parse(hint).queue)
}

describe.each([
  ['install', () => triggers.install({ queues: ['emails'] })],
  ['repair', () => triggers.repair({ queues: ['emails'] })],
])('%s of one queue', (_, upgrade) => {
  it('brings the older triggers of the others along', async () => {
    await upgrade()
    const states = (await triggers.list()).triggers
    expect(states.map(({ name, version, findings }) => [name, version, findings])).toEqual([
      ['emails', 1, []],
      ['reports', 1, []],
    ])
    expect((await upgrade()).changes).toEqual([])
    await database.query(`select aimq.register_listener(gen_random_uuid(), '{}')`)
    expect(await told()).toEqual(['reports'])
  })
})

it('a migration for one queue leaves the older triggers of the others telling, until repair brings them along', async () => {
  await database.query((await triggers.migration({ queues: ['emails'] })).sql)
  expect(await told()).toEqual(['reports'])
  await triggers.repair()
  expect((await triggers.list()).triggers.flatMap(({ findings }) => findings)).toEqual([])
})

it('a trigger without arguments tells, on the usual channel, of the queue it stands on', async () => {
  await triggers.install()
  await database.query(`create or replace trigger aimq_notify_reports after insert on pgmq.q_reports
    referencing new table as inserted for each statement execute function aimq.notify_job_enqueued()`)
  expect(await told()).toEqual(['reports'])
})
