/*
 * The listener's side of the gate: the database's triggers notify only while a listener in `aimq.listener` waits. What
 * the triggers step installs is here in short, as `register.sql`.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Bus, createBus, silentLogger } from '@aimq/events'
import { nextFact, recordFacts } from '@aimq/events/testing'
import pg from 'pg'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type ListenOptions, realtime } from '../src/index.ts'
import { createDatabase, type TestDatabase } from './database.ts'

const register = await readFile(new URL('./register.sql', import.meta.url), 'utf8')

let database: TestDatabase
beforeEach(async () => {
  database = await createDatabase()
  return () => database[Symbol.asyncDispose]()
})

async function start(more: Partial<ListenOptions> = {}, until: 'healthy' | 'degraded' = 'healthy') {
  const bus = createBus({ logger: silentLogger })
  onTestFinished(() => bus.stop())
  const reached = nextFact(bus, 'realtime:health-changed', ({ health }) => health === until)
  await bus.use(realtime({ listen: { connectionString: database.url, ...more } }))
  await reached
  return bus
}

/** The rows of the register, as a producer's trigger would see them. */
async function rows(): Promise<{ id: string; awake: string[] }[]> {
  return (await database.query('select id, awake from aimq.listener order by seen_at')).rows
}
const awake = async () => (await rows()).map((row) => row.awake)
const want = (bus: Bus, queue: string, wanted: boolean) =>
  bus.emit('worker:wakeups-wanted', { queue, wanted })

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url })
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

/** A transaction that has written something and is still open, as a producer's is. */
async function openTransaction(): Promise<pg.Client> {
  const client = await connect()
  await client.query('begin')
  await client.query('select pg_current_xact_id()')
  return client
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('a listener', () => {
  it('stands in the register before it is called healthy, and no more when it has stopped', async () => {
    await database.query(register)
    const bus = await start()
    expect(await awake()).toEqual([[]])
    await bus.stop()
    expect(await awake()).toEqual([])
  })

  it('needs no register', async () => {
    const bus = await start()
    want(bus, 'emails', false)
    const hint = nextFact(bus, 'job:enqueued')
    await database.query(`select pg_notify('aimq:jobs', '{"queue":"emails"}')`)
    await hint
  })

  it('registers at once when told that the triggers were installed, and makes workers look', async () => {
    const bus = await start()
    const missed = nextFact(bus, 'realtime:wakeups-missed')
    await database.query(`${register}; select pg_notify('aimq:jobs', '{"event":"listener_wanted","v":1}')`)
    expect(await missed).toEqual({ path: 'listen' })
    expect(await awake()).toEqual([[]])
    expect((await bus.request('realtime:status', {})).ignored).toBe(0)
  })

  it('finds the register with its next canary when nobody told it', async () => {
    const bus = await start({ canaryIntervalMs: 300 })
    const missed = nextFact(bus, 'realtime:wakeups-missed')
    await database.query(register)
    await missed
    expect(await awake()).toEqual([[]])
  })

  it('does without again when the register is taken away, and registers when it is back', async () => {
    await database.query(register)
    const bus = await start()
    await database.query('drop schema aimq cascade')
    want(bus, 'emails', false)
    await pause(300)
    expect((await bus.request('realtime:status', {})).health).toBe('healthy')
    await database.query(`${register}; select pg_notify('aimq:jobs', '{"event":"listener_wanted","v":1}')`)
    await expect.poll(awake).toEqual([['emails']])
  })

  it('registers anew when told twice in quick succession: the row of the first time may be gone', async () => {
    await database.query(register)
    await start()
    const wanted = `select pg_notify('aimq:jobs', '{"event":"listener_wanted","v":1}')`
    await database.query(wanted)
    await pause(50)
    await database.query(`drop schema aimq cascade; ${register}; ${wanted}`)
    await expect.poll(awake, { timeout: 3000 }).toEqual([[]])
  })

  it('that anybody tells a thousand times registers about once a second', async () => {
    await database.query(
      `create sequence writes; ${register.replace('delete from aimq.listener where seen_at', `perform nextval('public.writes'); $&`)}`,
    )
    await start()
    for (let n = 0; n < 20; n++) {
      await database.query(
        `select count(pg_notify('aimq:jobs', '{"event":"listener_wanted","n":' || n || '}')) from generate_series(1, 50) as n`,
      )
      await pause(50)
    }
    const { rows } = await database.query(`select nextval('writes') as written`)
    expect(Number(rows[0]?.written)).toBeLessThanOrEqual(5)
  })

  it('leaves one row however often its session is lost', async () => {
    await database.query(register)
    const bus = await start()
    const [first] = await rows()
    const back = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy')
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aimq listen' and datname = current_database()`,
    )
    await back
    const after = await rows()
    expect(after).toHaveLength(1)
    expect(after[0]?.id).not.toBe(first?.id)
  })

  it('that may not forget rows of earlier sessions is healthy all the same: they are pruned', async () => {
    const role = `aimq_forgetful_${randomBytes(4).toString('hex')}`
    await database.query(`${register}; create role ${role} login password 'secret'; grant usage on schema aimq to ${role};
      revoke execute on function aimq.forget_listener(uuid) from public`)
    const url = new URL(database.url)
    url.username = role
    url.password = 'secret'
    try {
      const bus = await start({ connectionString: url.href, canaryIntervalMs: 200 })
      const health = recordFacts(bus, 'realtime:health-changed')
      const back = nextFact(bus, 'realtime:health-changed', (fact) => fact.health === 'healthy')
      await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aimq listen' and datname = current_database()`,
      )
      await back
      expect(await rows()).toHaveLength(2)
      expect(health.map(({ fact }) => fact.health)).toEqual(['degraded', 'healthy'])
      await bus.stop()
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`)
    }
  })

  it('that may not register is degraded, says which grant is missing, and mends by itself', async () => {
    const role = `aimq_mute_${randomBytes(4).toString('hex')}`
    await database.query(`${register}; create role ${role} login password 'secret'; grant usage on schema aimq to ${role};
      revoke execute on function aimq.register_listener(uuid, text[]) from public`)
    const url = new URL(database.url)
    url.username = role
    url.password = 'secret'
    try {
      const bus = await start({ connectionString: url.href, canaryIntervalMs: 200 }, 'degraded')
      const { cause } = await bus.request('realtime:status', {})
      expect(cause).toMatch(/EXECUTE on function aimq\.register_listener\(uuid, text\[\]\)/)
      // Canaries come back all the while, and prove nothing about the triggers.
      await pause(600)
      expect((await bus.request('realtime:status', {})).health).toBe('degraded')
      const healthy = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy')
      await database.query(
        `grant execute on function aimq.register_listener(uuid, text[]) to ${role}; select pg_notify('aimq:jobs', '{"event":"listener_wanted","v":1}')`,
      )
      await healthy
      await bus.stop()
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`)
    }
  })
})

describe('a listener that may only read', () => {
  it('is degraded where it has to register, and says which setting forbids it', async () => {
    const url = new URL(database.url)
    url.searchParams.set('options', '-c default_transaction_read_only=on')
    // LISTEN alone is not forbidden by that.
    const alone = await start({ connectionString: url.href })
    await alone.stop()
    await database.query(register)
    const bus = await start({ connectionString: url.href }, 'degraded')
    expect((await bus.request('realtime:status', {})).cause).toMatch(
      /default_transaction_read_only must be off/,
    )
  })
})

describe('a queue', () => {
  it('is awake while its worker wants no wake-ups, and looked at when it falls asleep', async () => {
    await database.query(register)
    const bus = await start()
    want(bus, 'emails', false)
    want(bus, 'reports', false)
    await expect.poll(awake).toEqual([['emails', 'reports']])
    const missed = nextFact(bus, 'realtime:wakeups-missed')
    want(bus, 'emails', true)
    expect(await missed).toEqual({ path: 'listen', queues: ['emails'] })
    expect(await awake()).toEqual([['reports']])
    bus.emit('worker:worker-stopped', { queues: ['emails', 'reports'] })
    await expect.poll(awake).toEqual([[]])
  })

  it('that others work is awake, too, once it was told of in vain, until it is worked here', async () => {
    await database.query(register)
    const bus = await start()
    bus.emit('worker:worker-started', { queues: ['emails'] })
    for (const queue of ['emails', 'reports'])
      await database.query(`select pg_notify('aimq:jobs', '{"queue":"${queue}"}')`)
    await expect.poll(awake, { timeout: 3000 }).toEqual([['reports']])
    const missed = nextFact(bus, 'realtime:wakeups-missed')
    bus.emit('worker:worker-started', { queues: ['emails', 'reports'] })
    expect(await missed).toEqual({ path: 'listen', queues: ['reports'] })
    expect(await awake()).toEqual([[]])
  })

  it('that others work is remembered with a hundred more at most, however many are named', async () => {
    await database.query(register)
    const bus = await start()
    bus.emit('worker:worker-started', { queues: ['emails'] })
    await database.query(
      `select count(pg_notify('aimq:jobs', '{"queue":"forged_' || n || '"}')) from generate_series(1, 5000) as n`,
    )
    await expect.poll(async () => (await awake())[0]?.length, { timeout: 3000 }).toBe(100)
    want(bus, 'emails', false)
    await expect.poll(async () => (await awake())[0]).toContain('emails')
  })

  it('stays awake over a lost session', async () => {
    await database.query(register)
    const bus = await start()
    want(bus, 'emails', false)
    await expect.poll(awake).toEqual([['emails']])
    const back = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy')
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aimq listen' and datname = current_database()`,
    )
    await back
    expect(await awake()).toEqual([['emails']])
  })

  it('is looked at every second, and once more at the end, while a transaction is open that may have looked too early', async () => {
    await database.query(register)
    const bus = await start()
    want(bus, 'emails', false)
    await expect.poll(awake).toEqual([['emails']])
    const straddler = await openTransaction()
    const missed = recordFacts(bus, 'realtime:wakeups-missed')
    want(bus, 'emails', true)
    await expect.poll(awake).toEqual([[]])
    await pause(2500)
    expect(missed).toHaveLength(2)
    await straddler.query('commit')
    await pause(1200)
    expect(missed.length).toBeGreaterThanOrEqual(3)
    // Armed: nothing more.
    const before = missed.length
    await pause(1300)
    expect(missed).toHaveLength(before)
  })

  it('is not armed by a transaction that began while we registered, either', async () => {
    // Registering takes a while between its own transaction id and its commit.
    await database.query(
      register.replace('delete from aimq.listener where seen_at', 'perform pg_sleep(0.4); $&'),
    )
    const bus = await start()
    want(bus, 'emails', false)
    await expect.poll(awake).toEqual([['emails']])
    const missed = recordFacts(bus, 'realtime:wakeups-missed')
    want(bus, 'emails', true)
    await pause(150)
    const straddler = await openTransaction()
    await expect.poll(awake).toEqual([[]])
    await pause(300)
    expect(missed).toEqual([])
    const last = nextFact(bus, 'realtime:wakeups-missed')
    await straddler.query('commit')
    await last
  })

  it('that cannot be put to sleep is looked at every second until it can', async () => {
    await database.query(register)
    const bus = await start()
    want(bus, 'emails', false)
    await expect.poll(awake).toEqual([['emails']])
    const locker = await connect()
    await locker.query('begin')
    await locker.query('lock table aimq.listener in access exclusive mode')
    want(bus, 'emails', true)
    await nextFact(bus, 'realtime:wakeups-missed', undefined, 1500)
    const again = nextFact(bus, 'realtime:wakeups-missed', undefined, 8000)
    await locker.query('commit')
    await again
    await expect.poll(awake, { timeout: 8000 }).toEqual([[]])
  })
})
