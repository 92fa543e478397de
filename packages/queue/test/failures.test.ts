import { inspect } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createQueueClient, type QueueClient, type QueueClientOptions } from '../src/index.ts'
import { createDatabase, failureOf, recordingLogger, type TestDatabase } from './database.ts'

const canary = 'canary-5ecret-Passw0rd'
let database: TestDatabase
let client: QueueClient

beforeAll(async () => {
  database = await createDatabase()
  client = createQueueClient({ connectionString: database.url })
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await client.close()
  await database[Symbol.asyncDispose]()
})

/** The failure of a first call with these options; fails when the password shows anywhere in it. */
async function firstFailure(options: QueueClientOptions) {
  const logger = recordingLogger()
  await using broken = createQueueClient({ ...options, logger })
  const error = await failureOf(broken.send('emails', { secret: canary }))
  const shown = [inspect(error, { depth: 10, showHidden: true }), JSON.stringify(error), ...logger.lines]
  expect(shown.join('\n')).not.toContain(canary)
  return error
}

const urlWith = (change: (url: URL) => void): string => {
  const url = new URL(database.url)
  change(url)
  return url.href
}

describe('a database that cannot be used', () => {
  it('refuses a wrong password', async () => {
    const error = await firstFailure({
      connectionString: urlWith((url) => {
        url.password = canary
      }),
    })
    expect(error).toMatchObject({ code: 'queue/authentication-failed', transient: false })
    expect(error.message).toContain(new URL(database.url).host)
  })

  it('asks for a password that is missing', async () => {
    // The driver would take it from there.
    vi.stubEnv('PGPASSWORD', undefined)
    const error = await firstFailure({
      connectionString: urlWith((url) => {
        url.password = ''
      }),
    })
    expect(error).toMatchObject({ code: 'queue/authentication-failed' })
  })

  it('has no such name', async () => {
    const error = await firstFailure({
      connectionString: urlWith((url) => {
        url.pathname = '/nowhere'
      }),
    })
    expect(error).toMatchObject({ code: 'queue/database-missing' })
    expect(error.message).toContain('/nowhere')
  })

  it('is not at this port', async () => {
    const error = await firstFailure({ connectionString: `postgres://me:${canary}@127.0.0.1:1/app` })
    expect(error).toMatchObject({ code: 'queue/unreachable', transient: true })
    expect(error.message).toMatch(/127\.0\.0\.1:1\/app .*ECONNREFUSED/)
  })

  it('is at no such host', async () => {
    const error = await firstFailure({
      connectionString: `postgres://me:${canary}@no-such-host.invalid/app?sslmode=disable`,
    })
    expect(error).toMatchObject({ code: 'queue/unreachable', transient: true })
    expect(error.message).toContain('no-such-host.invalid:5432/app')
  })

  it('offers no TLS where TLS is wanted', async () => {
    const error = await firstFailure({
      connectionString: urlWith((url) => {
        url.searchParams.set('sslmode', 'require')
      }),
    })
    expect(error).toMatchObject({ code: 'queue/tls-failed' })
    expect(error.message).toContain('sslmode=disable')
  })

  it('has no pgmq', async () => {
    await using bare = await createDatabase('template0')
    await using other = createQueueClient({ connectionString: bare.url })
    const calls = [
      other.check(),
      other.create('emails'),
      other.send('emails', 1),
      other.list(),
      other.read('emails', { count: 1, leaseMs: 1000 }),
    ]
    for (const error of await Promise.all(calls.map(failureOf))) {
      expect(error).toMatchObject({ code: 'queue/pgmq-missing', transient: false })
      expect(error.message).toContain('create extension pgmq')
    }
  })

  it('takes no writes', async () => {
    await client.create('writes')
    const readOnly = urlWith((url) => {
      url.searchParams.set('options', '-c default_transaction_read_only=on')
    })
    await using other = createQueueClient({ connectionString: readOnly })
    expect(await failureOf(other.check())).toMatchObject({ code: 'queue/read-only', transient: true })
    expect(await failureOf(other.send('writes', 1))).toMatchObject({
      code: 'queue/read-only',
      transient: true,
    })
  })

  it('takes no writes any more on the connections of before: one call fails, and all of them are given up', async () => {
    // As after a failover: sessions stay on the old primary, new ones are made on the new.
    const role = 'queue_test_fickle'
    await client.create('fickle')
    await database.query(
      `create role ${role} login superuser password 'x'; alter role ${role} set default_transaction_read_only = on`,
    )
    const url = urlWith((own) => {
      own.username = role
      own.password = 'x'
    })
    const other = createQueueClient({ connectionString: url, maxConnections: 3 })
    try {
      await Promise.all(Array.from({ length: 3 }, () => other.probe('fickle')))
      await database.query(`alter role ${role} reset default_transaction_read_only`)
      expect(await failureOf(other.send('fickle', 1))).toMatchObject({ code: 'queue/read-only' })
      for (let n = 0; n < 3; n++) expect(await other.send('fickle', n)).toMatch(/^\d+$/)
    } finally {
      await other.close()
      await database.query(`drop role ${role}`)
    }
  })

  it('has no connection to spare', async () => {
    const role = 'queue_test_limited'
    await database.query(`drop role if exists ${role}`)
    await database.query(`create role ${role} login password '${canary}' connection limit 0`)
    const error = await firstFailure({ connectionString: database.urlAs(role, canary) })
    expect(error).toMatchObject({ code: 'queue/unavailable', transient: true })
    await database.query(`drop role ${role}`)
  })

  it('is full', async () => {
    await client.create('full')
    await database.query(`create function no_space() returns trigger language plpgsql as $$ begin
      raise exception 'could not extend file' using errcode = '53100'; end $$`)
    await database.query(
      'create trigger no_space before insert on pgmq.q_full for each row execute function no_space()',
    )
    expect(await failureOf(client.send('full', 1))).toMatchObject({
      code: 'queue/unavailable',
      transient: true,
    })
  })
})

describe('a queue that is not there', () => {
  it('is named with the nearest there is', async () => {
    await client.create('invoices')
    const error = await failureOf(client.send('invoice', 1))
    expect(error).toMatchObject({ code: 'queue/not-found', transient: false, queue: 'invoice' })
    expect(error.message).toMatch(/did you mean "invoices"\?.*client\.create\('invoice'\)/)
  })
})

describe('contention', () => {
  it('is retried, and reported only when it stays', async () => {
    await client.create('contended')
    await database.query('create sequence tries')
    await database.query(`create function contend() returns trigger language plpgsql as $$ begin
      if nextval('tries') % 4 <> 0 then raise exception 'deadlock detected' using errcode = '40P01'; end if;
      return new; end $$`)
    await database.query(
      'create trigger contend before insert on pgmq.q_contended for each row execute function contend()',
    )
    await client.send('contended', 'fourth time lucky')
    expect((await client.metrics('contended')).total).toBe(1)
    await database.query(`create or replace function contend() returns trigger language plpgsql as $$ begin
      perform nextval('tries'); raise exception 'no' using errcode = '40001'; end $$`)
    await database.query(`select setval('tries', 100)`)
    expect(await failureOf(client.send('contended', 'never'))).toMatchObject({
      code: 'queue/contended',
      transient: true,
    })
    expect(await database.query('select last_value::int as tries from tries')).toEqual([{ tries: 105 }])
  })
})

describe('an error', () => {
  it('keeps the original without the client and without the payload', async () => {
    await client.create('strict')
    await database.query(`alter table pgmq.q_strict add constraint strict check (message ->> 'a' <> 'x')`)
    const error = await failureOf(client.send('strict', { a: 'x', secret: canary }))
    expect(error).toMatchObject({
      code: 'queue/database-failed',
      cause: { code: '23514', constraint: 'strict', table: 'q_strict' },
    })
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(canary)
    expect(error.message).toMatch(/^send "strict": the database says/)
  })

  it('of a closed client says so', async () => {
    const other = createQueueClient({ connectionString: database.url })
    await other.probe('strict')
    await Promise.all([other.close(), other.close()])
    await other.close()
    expect(other.closed).toBe(true)
    expect(await failureOf(other.probe('strict'))).toMatchObject({ code: 'queue/closed' })
  })

  it('leaves a pool of the caller’s open', async () => {
    const pool = new pg.Pool({ connectionString: database.url })
    await createQueueClient({ pool }).close()
    const other = createQueueClient({ pool })
    await other.send('strict', 1)
    await other.close()
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    expect(pool.listenerCount('error')).toBe(0)
    await pool.end()
  })

  it('is the caller’s own when its signal has fired before', async () => {
    const reason = new Error('enough')
    const call = client.send('strict', 1, { signal: AbortSignal.abort(reason) })
    expect(await failureOf(call)).toBe(reason)
  })
})
