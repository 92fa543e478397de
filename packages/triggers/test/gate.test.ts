import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTriggersClient } from '../src/index.ts'
import { createDatabase, notificationsOf, type TestDatabase } from './database.ts'

/*
 * While every listener is awake nothing is told. These tests show that no message is missed all the same, with a
 * listener in plain SQL that never polls once it is asleep.
 */

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
  await database.query(`
    select pgmq.create('jobs');
    create function send_from_stable() returns bigint language sql stable as $$ select pgmq.send('jobs', '{}') $$;
    create procedure send_and_commit() language plpgsql as $$
      begin perform pgmq.send('jobs', '{}'); commit; perform pgmq.send('jobs', '{}'); end $$`)
  await createTriggersClient({ connectionString: database.url }).install()
})

afterAll(() => database[Symbol.asyncDispose]())

it('waits for a sender that looked while the listener’s row was being committed', async () => {
  const id = randomUUID()
  const [listener, sender] = [await database.pool.connect(), await database.pool.connect()]
  await listener.query('begin')
  await listener.query(`select aimq.register_listener($1, '{}')`, [id])
  await sender.query('begin')
  const silent = await notificationsOf(database, async () => {
    await sender.query(`select pgmq.send('jobs', '{}')`)
    await listener.query('commit')
    const { rows } = await listener.query('select pg_current_xact_id()::text as fence')
    const armed = async () =>
      (
        await listener.query('select pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 as armed', [
          rows[0].fence,
        ])
      ).rows[0].armed
    expect(await armed()).toBe(false)
    await sender.query('commit')
    expect(await armed()).toBe(true)
  })
  expect(silent).toEqual([])
  expect(
    await notificationsOf(database, () => database.query(`select pgmq.send('jobs', '{}')`)),
  ).toHaveLength(1)
  await database.query('select aimq.forget_listener($1)', [id])
  listener.release()
  sender.release()
})

/** Falls asleep whenever there is nothing new, and from then on hears notifications only. */
class SleepyListener {
  readonly seen = new Set<string>()
  readonly #id = randomUUID()
  readonly #ears: pg.Client
  readonly #hands: pg.Client
  #heard = 0
  #wake = () => {}
  #stopping = false
  naps = 0

  constructor(url: string) {
    this.#ears = new pg.Client({ connectionString: url })
    this.#hands = new pg.Client({ connectionString: url })
  }

  async run(): Promise<void> {
    await Promise.all([this.#ears.connect(), this.#hands.connect()])
    this.#ears.on('notification', () => {
      this.#heard++
      this.#wake()
    })
    await this.#ears.query('listen "aimq:jobs"')
    while (!this.#stopping) {
      await this.#hands.query('select aimq.register_listener($1, $2)', [this.#id, ['jobs']])
      while (await this.#look());
      await this.#sleep()
    }
    await Promise.all([this.#ears.end(), this.#hands.end()])
  }

  async #sleep(): Promise<void> {
    const heard = this.#heard
    await this.#hands.query(`select aimq.register_listener($1, '{}')`, [this.#id])
    const fence = (await this.#hands.query('select pg_current_xact_id()::text as fence')).rows[0].fence
    for (;;) {
      const { rows } = await this.#hands.query(
        'select pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 as armed',
        [fence],
      )
      if (rows[0].armed) break
      if (this.#heard > heard || this.#stopping) return
      await pause(2)
    }
    if (await this.#look()) return
    this.naps++
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (this.#heard > heard || this.#stopping) resolve()
    })
    this.#wake = () => {}
  }

  async #look(): Promise<boolean> {
    const { rows } = await this.#hands.query('select msg_id from pgmq.q_jobs')
    const fresh = rows.filter(({ msg_id }) => !this.seen.has(msg_id))
    for (const { msg_id } of fresh) this.seen.add(msg_id)
    return fresh.length > 0
  }

  stop(): void {
    this.#stopping = true
    this.#wake()
  }
}

const send = `select pgmq.send('jobs', '{}')`
const direct = `insert into pgmq.q_jobs (vt, message) values (clock_timestamp(), '{}')`

/** Ways of sending: statements of one session, a pause of so many milliseconds between them. */
const ways: Record<string, readonly string[]> = {
  alone: [send],
  batch: [`select pgmq.send_batch('jobs', array['{}', '{}', '{}']::jsonb[])`],
  'plain insert': [direct],
  'several statements': ['begin', send, send, send, 'commit'],
  'rolled back': ['begin', send, 'rollback'],
  'kept savepoint': ['begin', 'savepoint a', send, 'release a', 'commit'],
  'rolled back savepoint, then again': ['begin', 'savepoint a', send, 'rollback to a', send, 'commit'],
  'rolled back savepoint': ['begin', 'savepoint a', send, 'rollback to a', 'commit'],
  'nested savepoints': [
    'begin',
    'savepoint a',
    'savepoint b',
    direct,
    'release b',
    'rollback to a',
    'savepoint c',
    send,
    'commit',
  ],
  'repeatable read with an old snapshot': [
    'begin isolation level repeatable read',
    'select 1',
    send,
    'commit',
  ],
  serializable: ['begin isolation level serializable', 'select 1', send, 'commit'],
  'number drawn long before': ['begin', 'select pg_current_xact_id()', 'select 1', send, 'commit'],
  'from a stable function': ['begin', 'select 1', 'select send_from_stable()', 'commit'],
  'a procedure that commits': ['call send_and_commit()'],
  'a copy': [`copy pgmq.q_jobs (vt, message) from program 'printf "2026-01-01\\\\t{}\\\\n"'`],
  'one statement for two inserts': [
    `with one as (${direct} returning 1) insert into pgmq.q_jobs (vt, message) select clock_timestamp(), '{}' from one`,
  ],
}

it('misses no message, however it was sent and whenever the listener falls asleep', async () => {
  const seed = randomBytes(4).readInt32LE()
  const listener = new SleepyListener(database.url)
  await database.query('truncate pgmq.q_jobs')
  const running = listener.run()
  const wayOf = fc.record({
    way: fc.constantFrom(...Object.keys(ways)),
    startMs: fc.integer({ min: 0, max: 12 }),
    gapMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 8 })),
  })
  const round = async (senders: { way: string; startMs: number; gapMs: number }[]) => {
    await Promise.all(
      senders.map(async ({ way, startMs, gapMs }) => {
        const session = await database.pool.connect()
        await pause(startMs)
        for (const statement of ways[way] ?? []) {
          await session.query(statement)
          if (gapMs > 0) await pause(gapMs)
        }
        session.release()
      }),
    )
    const sent = (await database.query('select msg_id::text as id from pgmq.q_jobs')).map(({ id }) =>
      String(id),
    )
    // Whoever sends in the next round would wake a listener that has missed this one: so nobody does.
    const until = Date.now() + 10_000
    while (!sent.every((id) => listener.seen.has(id))) {
      if (Date.now() > until) throw new Error('a message was committed, and the listener sleeps')
      await pause(1)
    }
  }
  try {
    await fc.assert(fc.asyncProperty(fc.array(wayOf, { minLength: 1, maxLength: 4 }), round), {
      numRuns: 300,
      seed,
      endOnFailure: true,
    })
  } finally {
    listener.stop()
    await running
  }
  expect(listener.naps).toBeGreaterThan(100)
})
