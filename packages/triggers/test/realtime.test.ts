import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createTriggersClient, type TriggersClient } from '../src/index.ts'
import { createDatabase, failureOf, type TestDatabase } from './database.ts'
import { randoms } from './randoms.ts'
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

beforeEach(async () => {
  await triggers.remove()
  await database.query('truncate realtime.messages; truncate pgmq.q_emails')
})

const wish = { queues: ['emails'], paths: ['realtime'] as const }
const send = () => database.query(`select pgmq.send('emails', '{}')`)

it('broadcasts to the private topic, once for each statement without a throttle', async () => {
  await triggers.install({ ...wish, throttleMs: 0 })
  await send()
  await database.query(`select pgmq.send_batch('emails', array['{}', '{}']::jsonb[], 60)`)
  expect(await broadcasts(database)).toMatchObject([
    {
      topic: 'aimq:jobs',
      event: 'job_enqueued',
      private: true,
      payload: { event: 'job_enqueued', queue: 'emails', count: 1, due_in_ms: 0, v: 1 },
    },
    { payload: { count: 2, due_in_ms: expect.any(Number) } },
  ])
})

it('broadcasts to a public topic when told to', async () => {
  await triggers.install({ ...wish, private: false, channel: 'other:topic' })
  await send()
  expect(await broadcasts(database)).toMatchObject([{ topic: 'other:topic', private: false }])
})

it('broadcasts where NOTIFY is off and nobody can see who listens', async () => {
  await triggers.install({ ...wish, throttleMs: 0 })
  await database.query('drop table aimq.listener cascade')
  await send()
  expect(await broadcasts(database)).toMatchObject([{ payload: { queue: 'emails', count: 1 } }])
})

it('sums up a transaction, and says when to look again for those that are held back', async () => {
  await triggers.install({ ...wish, throttleMs: 4800 })
  await database.query(
    `begin; select pgmq.send('emails', '{}', 60); select pgmq.send_batch('emails', array['{}', '{}']::jsonb[], 30);
     savepoint a; select pgmq.send('emails', '{}'); rollback to a; commit`,
  )
  const [hint, ...more] = await broadcasts(database)
  expect(more).toEqual([])
  expect(hint?.payload).toMatchObject({ count: 3, again_in_ms: 5000 })
  expect(Number(hint?.payload.due_in_ms) / 1000).toBeCloseTo(30, 0)
  await send()
  await send()
  expect(await broadcasts(database)).toHaveLength(1)
  // As if so much time had passed.
  await database.query(`update aimq.last_hint set sent_at = sent_at - interval '4800 milliseconds'`)
  await send()
  expect(await broadcasts(database)).toHaveLength(2)
  expect(await database.query('select from aimq.throttled_hint')).toEqual([])
})

it('sends when it cannot know: no row, an old snapshot, a claim under way, immediate constraints, a clock set back', async () => {
  await triggers.install({ ...wish, throttleMs: 4800 })
  const hints = async (work: string) => {
    await database.query('truncate realtime.messages')
    await database.query(work)
    return (await broadcasts(database)).length
  }
  const sql = `select pgmq.send('emails', '{}')`
  expect(await hints(sql)).toBe(1)
  expect(await hints(sql)).toBe(0)
  expect(await hints(`begin isolation level repeatable read; ${sql}; commit`)).toBe(1)
  expect(await hints(`begin; set constraints all immediate; ${sql}; commit`)).toBe(1)
  // The commit may be far from there.
  expect(await hints(`begin; ${sql}; set constraints all immediate; commit`)).toBe(1)
  expect(
    await hints(
      `begin; ${sql}; do 'begin set constraints all immediate; set constraints all deferred; end'; commit`,
    ),
  ).toBe(1)
  expect(await hints(sql)).toBe(0)
  expect(await hints(`update aimq.last_hint set sent_at = now() + interval '1 day'; ${sql}`)).toBe(1)
  const claimer = await database.pool.connect()
  await database.query(`update aimq.last_hint set sent_at = '-infinity'`)
  await claimer.query('begin; select from aimq.last_hint for update')
  expect(await hints(sql)).toBe(1)
  await claimer.query('rollback')
  claimer.release()
  expect(await hints(`delete from aimq.last_hint; ${sql}; ${sql}`)).toBe(1)
})

it('is not held up by an open transaction of another sender, and does not deadlock', async () => {
  await database.query(`select pgmq.create('other')`)
  await triggers.install({ queues: ['emails', 'other'], paths: ['notify', 'realtime'] })
  const [one, other] = [await database.pool.connect(), await database.pool.connect()]
  await one.query(`begin; set local lock_timeout = '1s'; select pgmq.send('emails', '{}')`)
  await other.query(`begin; set local lock_timeout = '1s'; select pgmq.send('other', '{}')`)
  await one.query(`select pgmq.send('other', '{}')`)
  await other.query(`select pgmq.send('emails', '{}')`)
  await one.query('commit')
  await other.query('commit')
  one.release()
  other.release()
  expect(await broadcasts(database)).not.toEqual([])
})

it('asks for Realtime where there is none, and for a topic that the policy covers', async () => {
  await using other = await createDatabase()
  await other.query(`select pgmq.create('emails')`)
  const client = createTriggersClient({ connectionString: other.url })
  expect(await failureOf(client.install(wish))).toMatchObject({ code: 'triggers/realtime-missing' })
  expect(await failureOf(client.install({ policy: true }))).toMatchObject({
    code: 'triggers/realtime-missing',
  })
  expect(await failureOf(triggers.install({ ...wish, channel: 'mine', policy: true }))).toMatchObject({
    code: 'triggers/invalid-options',
  })
})

it('installs the receive policy on request, reports it, and takes it away with the last trigger', async () => {
  await triggers.install(wish)
  expect((await triggers.list()).policy).toEqual({ installed: false, findings: [] })
  expect((await triggers.plan({ ...wish, policy: true })).changes).toMatchObject([
    { action: 'create', object: 'policy aimq_workers_receive on realtime.messages' },
  ])
  await triggers.install({ ...wish, policy: true })
  expect((await triggers.list()).policy).toEqual({ installed: true, findings: [] })
  expect((await triggers.install({ ...wish, policy: true })).changes).toEqual([])
  await database.query('alter policy aimq_workers_receive on realtime.messages using (true)')
  expect((await triggers.list()).policy).toMatchObject({
    installed: true,
    findings: [{ problem: 'drifted' }],
  })
  await triggers.install({ ...wish, policy: true })
  expect((await triggers.list()).policy).toEqual({ installed: true, findings: [] })
  await triggers.remove()
  expect((await triggers.list()).policy).toEqual({ installed: false, findings: [] })
})

/** Chances that can be had again: `SEED=…`, as printed in the name of the test. */
const seed = Number(process.env.SEED ?? randomInt(2 ** 31))

it(`loses no last wake-up, however senders crowd (SEED=${seed})`, async () => {
  await triggers.install({ ...wish, throttleMs: 100 })
  // Stands for Realtime: what is in realtime.messages reaches receivers when it is committed.
  await database.query(`
    create function deliver() returns trigger language plpgsql as $$ begin perform pg_notify('delivered', new.payload::text); return null; end $$;
    create trigger deliver after insert on realtime.messages for each row execute function deliver()`)
  const ears = new pg.Client({ connectionString: database.url })
  await ears.connect()
  const seen = new Set<string>()
  const looks = new Set<Promise<void>>()
  const look = async () => {
    for (const { id } of await database.query('select msg_id::text as id from pgmq.q_emails'))
      seen.add(String(id))
  }
  const lookIn = (ms: number) => {
    const done = pause(ms).then(look)
    looks.add(done)
    void done.then(() => looks.delete(done))
  }
  let hints = 0
  ears.on('notification', ({ payload = '{}' }) => {
    hints++
    lookIn(0)
    lookIn(JSON.parse(payload).again_in_ms)
  })
  await ears.query('listen delivered')
  let sent = 0
  for (let burst = 0; burst < 12; burst++) {
    await Promise.all(
      Array.from({ length: 4 }, async (_, sender) => {
        const random = randoms(seed + 4 * burst + sender)
        for (let count = Math.ceil(random() * 12); count > 0; count--) {
          const session = await database.pool.connect()
          await session.query('begin')
          await session.query(`select pgmq.send('emails', '{}')`)
          if (random() < 0.3) await pause(random() * 60)
          await session.query(random() < 0.1 ? 'rollback' : 'commit')
          session.release()
          sent++
          await pause(random() * 30)
        }
      }),
    )
    // Only what hints have brought about counts: no further sender, no poll.
    await pause(450)
    while (looks.size > 0) await Promise.all(looks)
    const missed = (await database.query('select msg_id::text as id from pgmq.q_emails')).filter(
      ({ id }) => !seen.has(String(id)),
    )
    expect(missed).toEqual([])
  }
  await ears.end()
  await database.query('drop function deliver cascade')
  expect(hints).toBeLessThan(sent)
})
