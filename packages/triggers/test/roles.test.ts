import { randomBytes } from 'node:crypto'
import { defineQueue } from '@aimq/events'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rolesSql } from '../src/index.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { createRealtime } from './realtime-schema.ts'
import { attempt, installRoles, rightsIn } from './roles-setup.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
  for (const queue of ['emails', 'emails_dlq', 'orders', 'orders_dlq', 'morgue']) {
    await database.query('select pgmq.create($1)', [queue])
  }
})
afterAll(() => database[Symbol.asyncDispose]())

const rolesLike = async (prefix: string) =>
  (await database.query('select rolname from pg_roles where rolname like $1 order by 1', [`${prefix}%`])).map(
    ({ rolname }) => rolname,
  )

describe('the SQL for roles', () => {
  it('is the same text for the same wish, however it is put', () => {
    const one = rolesSql({ queues: ['emails', 'orders'], roles: ['worker', 'producer'] })
    const other = rolesSql({
      queues: [defineQueue('orders'), 'emails', 'orders'],
      roles: ['producer', 'worker', 'producer'],
      prefix: 'aimq',
      rowSecurity: false,
    })
    expect(other).toBe(one)
  })

  it('says what it does before it does it, and grants nothing to everybody', () => {
    const sql = rolesSql({ queues: ['emails'], rowSecurity: true, realtimeTopic: 'aimq:jobs' })
    expect(sql).toMatch(
      /^-- AIMQ: roles aimq_installer, aimq_producer, aimq_worker, aimq_reader for queues emails\n/,
    )
    expect(sql).toContain('grant insert, select (msg_id) on pgmq."q_emails" to "aimq_producer";')
    expect(sql).not.toMatch(/^(?!--).*\b(public|anon|authenticated)\b/im)
    expect(sql).not.toMatch(/#\w+#|:["']\w/)
  })

  it('makes the roles that were asked for, none of which can log in', async () => {
    const { options } = await installRoles(database, { queues: ['emails'], roles: ['producer', 'reader'] })
    const made = await database.query(
      'select rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname like $1 order by 1',
      [`${options.prefix}%`],
    )
    const plain = { rolcanlogin: false, rolsuper: false, rolbypassrls: false, rolcreaterole: false }
    expect(made).toEqual([
      { rolname: `${options.prefix}_producer`, ...plain },
      { rolname: `${options.prefix}_reader`, ...plain },
    ])
  })

  it.each([
    ['', {}],
    [' with row security', { rowSecurity: true }],
    [' for one role', { roles: ['worker'] as const }],
  ])('can be run twice, and removed without a trace%s', async (_, extra) => {
    const options = { queues: ['emails', 'orders'], prefix: `r${randomBytes(4).toString('hex')}`, ...extra }
    const before = await rightsIn(database)
    await database.query(rolesSql(options))
    const once = await rightsIn(database)
    expect(once).not.toBe(before)
    await database.query(rolesSql(options))
    expect(await rightsIn(database)).toBe(once)
    await database.query(rolesSql({ ...options, remove: true }))
    expect(await rolesLike(options.prefix)).toEqual([])
    expect(await rightsIn(database)).toBe(before)
    await database.query(rolesSql({ ...options, remove: true }))
  })

  it('can be run twice, and removed, with the longest names that there may be', async () => {
    await using own = await createDatabase()
    await createRealtime(own)
    await own.query('create schema aimq; create table aimq.idempotency_key (queue text, key text)')
    const alike = 'q'.padEnd(42, '0')
    const prefix = `${'r'.padEnd(39, '0')}${randomBytes(4).toString('hex')}`
    const queues = [`${alike}a`, `${alike}b`]
    for (const queue of queues.flatMap((name) => [name, `${name}_dlq`])) {
      await own.query('select pgmq.create($1)', [queue])
    }
    const options = { queues, prefix, rowSecurity: true, realtimeTopic: 'aimq:jobs' }
    const before = await rightsIn(own)
    await own.query(rolesSql(options))
    const once = await rightsIn(own)
    await own.query(rolesSql(options))
    expect(await rightsIn(own)).toBe(once)
    for (const queue of queues) {
      const claim = `insert into aimq.idempotency_key values ('${queue}', 'x')`
      expect(await attempt(own, `${prefix}_producer`, claim)).toBe('ok')
    }
    await own.query(rolesSql({ ...options, remove: true }))
    expect(await rolesLike(prefix)).toEqual([])
    expect(await rightsIn(own)).toBe(before)
  })

  it('can be run by eight at once', async () => {
    const options = { queues: ['emails', 'orders'], prefix: `r${randomBytes(4).toString('hex')}` }
    await Promise.all(Array.from({ length: 8 }, () => database.query(rolesSql(options))))
    expect(await rolesLike(options.prefix)).toHaveLength(4)
    const remove = rolesSql({ ...options, remove: true })
    await Promise.all(Array.from({ length: 8 }, () => database.query(remove)))
    expect(await rolesLike(options.prefix)).toEqual([])
  })

  it('leaves a role what it needs for a queue that is not removed', async () => {
    const { options, producer, worker } = await installRoles(database, { queues: ['emails', 'orders'] })
    await database.query(rolesSql({ ...options, queues: ['emails'], remove: true }))
    expect(await attempt(database, producer, send('orders'))).toBe('ok')
    expect(await attempt(database, producer, send('emails'))).toBe('42501')
    expect(await attempt(database, worker, 'update pgmq.q_orders set vt = vt')).toBe('ok')
    expect(await attempt(database, worker, 'update pgmq.q_emails set vt = vt')).toBe('42501')
  })

  it('leaves a dead-letter queue that several share to the roles of the others', async () => {
    const shared = (name: string) => ({ name, deadLetterQueue: 'morgue' })
    const { options, worker, reader } = await installRoles(database, {
      queues: [shared('emails'), shared('orders')],
      rowSecurity: true,
    })
    const look = 'select message from pgmq.q_morgue'
    await database.query(`select pgmq.send('morgue', '{}')`)
    const seen = async () => {
      const client = await database.pool.connect()
      try {
        return (await client.query(`begin; set local role ${reader}; ${look}`)) as unknown as {
          rows: unknown[]
        }[]
      } finally {
        await client.query('rollback')
        client.release()
      }
    }
    await database.query(rolesSql({ ...options, queues: [shared('emails')], remove: true }))
    expect(await attempt(database, worker, send('morgue'))).toBe('ok')
    expect((await seen())[2]?.rows).not.toEqual([])
    expect(
      await database.query(`select relrowsecurity as secured from pg_class where relname = 'q_morgue'`),
    ).toEqual([{ secured: true }])
    expect(await attempt(database, reader, 'select from pgmq.q_emails')).toBe('42501')
    await database.query(rolesSql({ ...options, queues: [shared('orders')], remove: true }))
    expect(await rolesLike(String(options.prefix))).toEqual([])
    await database.query(`select pgmq.purge_queue('morgue')`)
  })

  it('takes back a dead-letter queue of its own with its queue, and everything with the last one', async () => {
    const before = await rightsIn(database)
    const { options, reader } = await installRoles(database, { queues: ['emails', 'orders'] })
    await database.query(rolesSql({ ...options, queues: ['emails'], remove: true }))
    expect(await attempt(database, reader, 'select message from pgmq.q_emails_dlq')).toBe('42501')
    expect(await attempt(database, reader, 'select message from pgmq.q_orders_dlq')).toBe('ok')
    await database.query(rolesSql({ ...options, queues: ['orders'], remove: true }))
    expect(await rolesLike(String(options.prefix))).toEqual([])
    expect(await rightsIn(database)).toBe(before)
  })

  it('keeps a role that owns something', async () => {
    const { options, reader } = await installRoles(database, { queues: ['emails'] })
    await database.query(`create table public.kept (); alter table public.kept owner to ${reader}`)
    await database.query(rolesSql({ ...options, remove: true }))
    expect(await rolesLike(String(options.prefix))).toEqual([reader])
    expect(await attempt(database, reader, 'select from pgmq.q_emails')).toBe('42501')
    await database.query('drop table public.kept')
  })

  it('uses the dead-letter queue of the definition, and makes one that is missing', async () => {
    await database.query(`select pgmq.create('receipts')`)
    const { worker } = await installRoles(database, {
      queues: [defineQueue('emails', { deadLetterQueue: 'morgue' }), 'receipts'],
    })
    expect(await attempt(database, worker, send('morgue'))).toBe('ok')
    expect(await attempt(database, worker, send('emails_dlq'))).toBe('42501')
    expect(await attempt(database, worker, send('receipts_dlq'))).toBe('ok')
  })

  it('names the queue that is missing, and changes nothing', async () => {
    const prefix = `r${randomBytes(4).toString('hex')}`
    await expect(database.query(rolesSql({ queues: ['emails', 'nowhere'], prefix }))).rejects.toMatchObject({
      code: '42P01',
      message: expect.stringContaining('pgmq.q_nowhere'),
    })
    expect(await rolesLike(prefix)).toEqual([])
  })
})

describe('names and options', () => {
  it.each([
    [{ queues: [] }, 'expected one queue or more'],
    [{ queues: ['a'], prefix: 'pg_x' }, 'prefix'],
    [{ queues: ['a'], prefix: 'A"; drop' }, 'prefix'],
    [{ queues: ['a'], roles: ['owner'] }, 'expected some of installer'],
    [{ queues: ['a'], realtimeTopic: "aimq:'jobs" }, 'realtimeTopic'],
    [{ queues: ['a'], rowsecurity: true }, 'did you mean "rowSecurity"'],
  ])('refuses %j', (options, text) => {
    expect(() => rolesSql(options as never)).toThrow(
      expect.objectContaining({ code: 'triggers/invalid-options', message: expect.stringContaining(text) }),
    )
  })

  it('lets no name into the SQL that was not checked', () => {
    const nasty = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(`a"; drop table x; --`, `a'`, 'é', '$aimq$', 'A'),
    )
    fc.assert(
      fc.property(nasty, fc.constantFrom('queue', 'dlq', 'prefix'), (name, place) => {
        const options = {
          queue: { queues: [name] },
          dlq: { queues: [{ name: 'a', deadLetterQueue: name }] },
          prefix: { queues: ['a'], prefix: name },
        }[place]
        let sql: string
        try {
          sql = rolesSql(options)
        } catch (thrown) {
          expect(String((thrown as { code?: string }).code)).toMatch(
            /^(events\/invalid-queue-name|triggers\/invalid-options)$/,
          )
          return
        }
        expect(sql).toContain(name)
        expect(name).toMatch(/^[a-z][a-z0-9_]{0,46}$/)
      }),
    )
  })
})

function send(queue: string): string {
  return `insert into pgmq.q_${queue} (vt, message) values (now(), '1') returning msg_id`
}
