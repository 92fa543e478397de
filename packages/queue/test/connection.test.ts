import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createQueueClient } from '../src/index.ts'
import { createDatabase, failureOf, recordingLogger, type TestDatabase } from './database.ts'
import { startProxy, type TestProxy } from './proxy.ts'

let database: TestDatabase
let proxy: TestProxy

beforeAll(async () => {
  database = await createDatabase()
  await database.query(`select pgmq.create('emails')`)
  proxy = await startProxy(database.url)
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const sessions = async (application: string): Promise<number> =>
  (
    await database.query('select from pg_stat_activity where datname = $1 and application_name = $2', [
      database.name,
      application,
    ])
  ).length

const named = (url: string, application: string): string => {
  const copy = new URL(url)
  copy.searchParams.set('application_name', application)
  return copy.href
}

describe('a connection that goes dead', () => {
  it('is given up at the deadline, and the pool recovers', async () => {
    await using client = createQueueClient({
      connectionString: proxy.url,
      queryTimeoutMs: 300,
      maxConnections: 2,
    })
    await Promise.all([client.probe('emails'), client.probe('emails')])
    proxy.blackhole()
    const before = performance.now()
    const errors = await Promise.all([
      failureOf(client.probe('emails')),
      failureOf(client.read('emails', { count: 1, leaseMs: 1000 })),
    ])
    expect(performance.now() - before).toBeLessThan(800)
    for (const error of errors) expect(error).toMatchObject({ code: 'queue/timeout', transient: true })
    expect(await client.probe('emails')).toEqual({ nextDueInMs: null, newestId: null })
    await Promise.all([client.probe('emails'), client.probe('emails')])
  })

  it('leaves the outcome of a send unknown, and says so', async () => {
    await using client = createQueueClient({ connectionString: proxy.url, queryTimeoutMs: 300 })
    await client.probe('emails')
    proxy.blackhole()
    const error = await failureOf(client.send('emails', 1))
    expect(error).toMatchObject({ code: 'queue/outcome-unknown', cause: { code: 'queue/timeout' } })
    expect(error.message).toContain('idempotencyKey')
  })

  it('is given up at the deadline in a pool of the caller’s too', async () => {
    const pool = new pg.Pool({ connectionString: proxy.url, max: 1 })
    await using client = createQueueClient({ pool, queryTimeoutMs: 300 })
    await client.probe('emails')
    proxy.blackhole()
    expect(await failureOf(client.probe('emails'))).toMatchObject({ code: 'queue/timeout' })
    expect(await client.probe('emails')).toMatchObject({ newestId: null })
    await pool.end()
  })

  it('does not wait for ever for one that never comes', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    await using client = createQueueClient({ pool, connectTimeoutMs: 100 })
    const taken = await pool.connect()
    const error = await failureOf(client.probe('emails'))
    expect(error).toMatchObject({ code: 'queue/unreachable', transient: true })
    taken.release()
    // The connection that came too late went back where it came from.
    expect(await client.probe('emails')).toMatchObject({ newestId: null })
    await pool.end()
  })
})

describe('a connection that breaks', () => {
  it('before the answer to a send: the outcome is unknown', async () => {
    await database.query('truncate pgmq.q_emails')
    await using client = createQueueClient({ connectionString: proxy.url })
    await client.probe('emails')
    proxy.cutBeforeAnswer('insert into pgmq')
    const error = await failureOf(client.send('emails', 'cut'))
    expect(error).toMatchObject({ code: 'queue/outcome-unknown', transient: true })
    expect(await database.query('select message from pgmq.q_emails')).toEqual([{ message: 'cut' }])
  })

  it('before the answer to a send with a key: it is repeated, and is one message', async () => {
    await database.query('truncate pgmq.q_emails')
    await using client = createQueueClient({ connectionString: proxy.url })
    await client.install()
    await client.probe('emails')
    proxy.cutBeforeAnswer('idempotency_key')
    const id = await client.send('emails', 'once', { idempotencyKey: 'k' })
    expect(await database.query('select msg_id::text as id from pgmq.q_emails')).toEqual([{ id }])
  })

  it('before the answer to a send with a key, and stays broken: the outcome is unknown, not refused', async () => {
    await database.query('truncate pgmq.q_emails')
    await using client = createQueueClient({ connectionString: proxy.url })
    await client.install()
    await client.probe('emails')
    proxy.cutBeforeAnswer('idempotency_key')
    proxy.refuse(true)
    try {
      const error = await failureOf(client.send('emails', 'there', { idempotencyKey: 'stays' }))
      expect(await database.query('select message from pgmq.q_emails')).toEqual([{ message: 'there' }])
      expect(error).toMatchObject({ code: 'queue/outcome-unknown', transient: true })
    } finally {
      proxy.refuse(false)
    }
  })

  it('before the answer to a send with a key, and comes back: it is repeated until then', async () => {
    await database.query('truncate pgmq.q_emails')
    await using client = createQueueClient({ connectionString: proxy.url })
    await client.install()
    await client.probe('emails')
    proxy.cutBeforeAnswer('idempotency_key')
    proxy.refuse(true)
    setTimeout(() => proxy.refuse(false), 300)
    const id = await client.send('emails', 'once', { idempotencyKey: 'comes back' })
    expect(await database.query('select msg_id::text as id from pgmq.q_emails')).toEqual([{ id }])
  })

  it('before the answer to a read: that is all, and the next call works', async () => {
    await using client = createQueueClient({ connectionString: proxy.url })
    await client.probe('emails')
    proxy.cutBeforeAnswer('skip locked')
    expect(await failureOf(client.read('emails', { count: 1, leaseMs: 1000 }))).toMatchObject({
      code: 'queue/connection-lost',
      transient: true,
    })
    expect(await client.probe('emails')).toHaveProperty('newestId')
  })

  it('while idle does not hurt anybody', async () => {
    const logger = recordingLogger()
    await using client = createQueueClient({ connectionString: named(database.url, 'idler'), logger })
    await client.probe('emails')
    expect(await sessions('idler')).toBe(1)
    await database.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'idler'`,
    )
    expect(await client.probe('emails')).toHaveProperty('newestId')
    expect(logger.lines.filter((line) => !line.startsWith('debug'))).toEqual([])
  })

  it.each(['a pool of ours', 'a pool of the caller'])(
    'by the administrator in the same breath as it was made does not end the process: %s',
    async (whose) => {
      const url = named(proxy.url, 'newborn')
      const pool = new pg.Pool({ connectionString: url, max: 1 })
      await using client = createQueueClient(
        whose === 'a pool of ours' ? { connectionString: url, maxConnections: 1 } : { pool },
      )
      proxy.joinLoginWithWhatFollows(() => {
        void database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'newborn'`,
        )
      })
      expect(await failureOf(client.probe('emails'))).toMatchObject({ transient: true })
      expect(await client.probe('emails')).toHaveProperty('newestId')
      await client.close()
      await pool.end()
    },
  )

  it('by the administrator in the middle of a send: the outcome is unknown', async () => {
    const blocker = await database.pool.connect()
    await blocker.query('begin; lock table pgmq.q_emails in exclusive mode')
    await using client = createQueueClient({ connectionString: named(database.url, 'victim') })
    await client.probe('emails')
    const send = failureOf(client.send('emails', 1))
    for (let attempt = 0; attempt < 500; attempt++) {
      const [waiting] = await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim' and wait_event_type = 'Lock'`,
      )
      if (waiting !== undefined) break
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(await send).toMatchObject({ code: 'queue/outcome-unknown' })
    await blocker.query('rollback')
    blocker.release()
  })
})

describe('a client', () => {
  it('connects when it is first used, and leaves nothing behind', async () => {
    const client = createQueueClient({ connectionString: named(database.url, 'tidy'), maxConnections: 3 })
    expect(await sessions('tidy')).toBe(0)
    await Promise.all(Array.from({ length: 10 }, () => client.probe('emails')))
    expect(await sessions('tidy')).toBeLessThanOrEqual(3)
    await client.close()
    for (let attempt = 0; attempt < 200 && (await sessions('tidy')) > 0; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(await sessions('tidy')).toBe(0)
  })

  it('that is closed lets what is under way end, and keeps nothing of it', async () => {
    const client = createQueueClient({ connectionString: named(database.url, 'closing') })
    await client.probe('emails')
    const blocker = await database.pool.connect()
    await blocker.query('begin; lock table pgmq.q_emails in access exclusive mode')
    const answer = client.probe('emails')
    const waiting = `select 1 from pg_stat_activity where application_name = 'closing' and wait_event_type = 'Lock'`
    await expect.poll(() => database.query(waiting)).toHaveLength(1)
    const closed = client.close()
    await blocker.query('rollback')
    blocker.release()
    expect(await answer).toHaveProperty('newestId')
    await closed
    await expect.poll(() => sessions('closing')).toBe(0)
  })

  it('that is closed answers what was asked before, were it the first call or one of many', async () => {
    const client = createQueueClient({ connectionString: database.url, maxConnections: 3 })
    const first = client.list()
    await client.close()
    expect(await first).toHaveLength(1)
    const other = createQueueClient({ connectionString: database.url, maxConnections: 3 })
    await Promise.all(Array.from({ length: 3 }, () => other.list()))
    const many = Promise.all(Array.from({ length: 3 }, () => other.list()))
    await other.close()
    expect(await many).toHaveLength(3)
  })

  it('that is closed does not hold a process whose server has gone silent', async () => {
    const script = `
      import { createQueueClient } from '@aimq/queue'
      const client = createQueueClient({ connectionString: process.env.DATABASE_URL })
      await client.probe('emails')
      process.stdin.once('data', () => client.close())
      console.log('ready')`
    const child = spawn(
      process.execPath,
      ['--conditions=@aimq/source', '--input-type=module', '--eval', script],
      { env: { ...process.env, DATABASE_URL: named(database.url, 'silent'), NODE_OPTIONS: '' } },
    )
    await once(child.stdout, 'data')
    const [session] = await database.query(
      `select pid from pg_stat_activity where application_name = 'silent'`,
    )
    const pid = Number(session?.pid)
    process.kill(pid, 'SIGSTOP')
    try {
      child.stdin.end('close')
      expect(await once(child, 'exit', { signal: AbortSignal.timeout(15_000) })).toEqual([0, null])
    } finally {
      process.kill(pid, 'SIGCONT')
      child.kill('SIGKILL')
    }
  })

  it('lends its only connection to whoever waits for it', async () => {
    await using client = createQueueClient({
      connectionString: named(database.url, 'single'),
      maxConnections: 1,
    })
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(Array.from({ length: 5 }, () => client.probe('emails')))
      expect(answers).toHaveLength(5)
      expect(await sessions('single')).toBe(1)
    }
  })

  it('that somebody forgot to close does not keep the process', async () => {
    const script = `
      import { createQueueClient } from '@aimq/queue'
      const client = createQueueClient({ connectionString: process.env.DATABASE_URL })
      for (let n = 0; n < 3; n++) await client.probe('emails')
      console.log('done')`
    const run = promisify(execFile)(
      process.execPath,
      ['--conditions=@aimq/source', '--input-type=module', '--eval', script],
      { env: { ...process.env, DATABASE_URL: database.url, NODE_OPTIONS: '' }, timeout: 20_000 },
    )
    expect((await run).stdout).toBe('done\n')
  })

  it('names its statements only when it is told to', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    const count = async () =>
      Number((await pool.query('select count(*) from pg_prepared_statements')).rows[0].count)
    await createQueueClient({ pool }).probe('emails')
    expect(await count()).toBe(0)
    const prepared = createQueueClient({ pool, preparedStatements: true })
    for (let round = 0; round < 8; round++) {
      const id = await prepared.send('emails', round)
      expect(id).toMatch(/^\d+$/)
    }
    expect(await count()).toBe(2)
    // A plan whose tables changed is made anew.
    await database.query(`select pgmq.drop_queue('emails')`)
    await database.query(`select pgmq.create('emails')`)
    expect(await prepared.send('emails', 'again')).toBe('1')
    await pool.end()
  })
})
