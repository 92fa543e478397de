import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTriggersClient, type TriggersClient } from '../src/index.ts'
import { createDatabase, notificationsOf, type TestDatabase } from './database.ts'
import { broadcasts, createRealtime } from './realtime-schema.ts'

/* Whatever is wrong with the triggers or with Realtime: what is sent is there, and a warning says what is not told. */

let database: TestDatabase
let triggers: TriggersClient

beforeEach(async () => {
  database = await createDatabase()
  await createRealtime(database)
  triggers = createTriggersClient({ connectionString: database.url })
  await database.query(`select pgmq.create('emails')`)
})

afterEach(() => database[Symbol.asyncDispose]())

/** Sends one message and says how it went. */
async function sendAs(url: string, sql = `select pgmq.send('emails', '{}')`): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  const warnings: string[] = []
  client.on('notice', ({ message }) => warnings.push(message ?? ''))
  await client.connect()
  await client.query(sql)
  await client.end()
  return warnings
}

const length = async () => (await database.query('select from pgmq.q_emails')).length

describe.each([
  ['without a throttle', 0],
  ['with a throttle', 100],
])('Realtime %s', (_, throttleMs) => {
  beforeEach(() => triggers.install({ paths: ['notify', 'realtime'], throttleMs, always: true }))

  it.each([
    ['no schema realtime', 'drop schema realtime cascade', /realtime/],
    ['no partition for today', 'drop table realtime.messages_today', /no partition/],
    ['another signature of realtime.send', 'drop function realtime.send', /realtime\.send/],
    [
      'a realtime.send that fails',
      `create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void language plpgsql as 'begin raise exception ''down''; end'`,
      /down/,
    ],
  ])(
    '%s: the message is sent, the notification too, and a warning says what is missing',
    async (_, damage, warning) => {
      await database.query(damage)
      const heard = await notificationsOf(database, async () => {
        expect((await sendAs(database.url)).join()).toMatch(warning)
      })
      expect(heard).toHaveLength(1)
      expect(await length()).toBe(1)
    },
  )

  it('an owner without rights on schema realtime: a warning says so, and the notification is sent', async () => {
    const role = `owner_${database.name}`
    await database.query(`create role ${role}; grant usage on schema aimq to ${role};
      alter function aimq.notify_job_enqueued() owner to ${role}`)
    const heard = await notificationsOf(database, async () => {
      // With a throttle it is the table of hints that owe their sending which it may not write to.
      const denied = throttleMs === 0 ? 'schema realtime' : 'table throttled_hint'
      expect(await sendAs(database.url)).toEqual([
        `aimq: no Realtime hint for queue "emails": permission denied for ${denied}`,
      ])
    })
    expect(heard).toHaveLength(1)
    expect(await length()).toBe(1)
    await database.query(
      `reassign owned by ${role} to current_user; drop owned by ${role}; drop role ${role}`,
    )
  })
})

describe('NOTIFY', () => {
  beforeEach(() => triggers.install())

  it.each([
    ['no table of listeners', 'drop table aimq.listener'],
    [
      'no rights on it',
      `create role r; alter function aimq.notify_job_enqueued() owner to r; grant usage on schema aimq to r`,
    ],
    ['a table of listeners of another shape', 'alter table aimq.listener rename column awake to busy'],
  ])('%s: notifies with a warning', async (_, damage) => {
    await database.query(damage.replaceAll(/\br\b/g, `owner_${database.name}`))
    const heard = await notificationsOf(database, async () => {
      expect((await sendAs(database.url)).join()).toContain('could not see who listens')
    })
    expect(heard).toHaveLength(1)
    expect(await length()).toBe(1)
    if (damage.startsWith('create role')) {
      const role = `owner_${database.name}`
      await database.query(
        `reassign owned by ${role} to current_user; drop owned by ${role}; drop role ${role}`,
      )
    }
  })

  it('a message that is due never, one that was due always, and none at all', async () => {
    await triggers.install({ always: true })
    const heard = await notificationsOf(database, async () => {
      await database.query(`insert into pgmq.q_emails (vt, message) values ('infinity', '{}')`)
      await database.query(`insert into pgmq.q_emails (vt, message) values ('-infinity', '{}')`)
      await database.query(`insert into pgmq.q_emails (vt, message) select now(), '{}' where false`)
    })
    expect(heard.map((text) => JSON.parse(text).due_in_ms)).toEqual([expect.any(Number), 0])
    expect(JSON.parse(heard[0] ?? '').due_in_ms).toBeGreaterThan(86_400_000)
  })
})

it('works for producers who may do nothing but send', async () => {
  await triggers.install({ paths: ['notify', 'realtime'], always: true })
  const user = `producer_${database.name}`
  await database.query(`create role ${user} login password 'x'; grant usage on schema pgmq to ${user};
    grant insert, select on pgmq.q_emails to ${user}; grant usage on all sequences in schema pgmq to ${user}`)
  const heard = await notificationsOf(database, async () => {
    expect(await sendAs(database.urlAs(user, 'x'))).toEqual([])
  })
  expect(heard).toHaveLength(1)
  expect(await broadcasts(database)).toHaveLength(1)
  await database.query(`drop owned by ${user}; drop role ${user}`)
})

it('tells of a COPY, and of inserts by any client', async () => {
  await triggers.install({ always: true })
  const heard = await notificationsOf(database, async () => {
    await database.query(
      `copy pgmq.q_emails (vt, message) from program 'printf "2026-01-01\\t{}\\n2026-01-01\\t{}\\n"'`,
    )
  })
  expect(heard.map((text) => JSON.parse(text).count)).toEqual([2])
})
