import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { aimq, aimqJson, start, temporaryFolder } from '../harness/aimq.ts'
import { useDatabase } from '../harness/database.ts'

const database = useDatabase()
const env = { DATABASE_URL: database.url }
const triggers = async (queue: string) =>
  (
    await database.query('select tgname, tgenabled from pg_trigger where tgrelid = $1::regclass', [
      `pgmq.q_${queue}`,
    ])
  ).filter(({ tgname }) => String(tgname).startsWith('aimq_'))

beforeAll(async () => {
  await database.query('create extension if not exists pgmq')
  for (const queue of ['emails', 'orders', 'plans', 'broken', 'orders_dlq']) {
    await database.query('select pgmq.create($1)', [queue])
  }
})

describe('create', () => {
  test('installs the trigger, and only NOTIFY where there is no Realtime', async () => {
    expect(await aimqJson(['create', 'awake'], { env })).toEqual({
      queues: ['awake'],
      created: ['awake', 'awake_dlq'],
      wakeUps: ['notify'],
    })
    expect(await triggers('awake')).toHaveLength(1)
    expect(await triggers('awake_dlq')).toEqual([])
  })

  test('--migration writes what the Supabase CLI takes, and touches nothing', async () => {
    const cwd = await temporaryFolder()
    const { file } = (await aimqJson(['create', 'later', '--migration'], { env, cwd })) as { file: string }
    expect(file).toMatch(/^supabase\/migrations\/\d{14}_create_later\.sql$/)
    expect(await database.query(`select from pgmq.meta where queue_name = 'later'`)).toEqual([])
    await aimqJson(['create', 'later_still', '--migration', '--no-realtime'], { env, cwd })
    const files = await readdir(join(cwd, 'supabase/migrations'))
    expect(files.toSorted().map((name) => name.slice(15))).toEqual([
      'create_later.sql',
      'create_later_still.sql',
    ])
  })

  test('what --migration --path notify writes does what create does, also twice', async () => {
    const cwd = await temporaryFolder()
    const args = ['create', 'by_file', '--path', 'notify', '--migration', 'sql']
    const { file } = (await aimqJson(args, { env, cwd })) as { file: string }
    const sql = await readFile(join(cwd, file), 'utf8')
    for (let time = 0; time < 2; time += 1) await database.query(sql)
    expect(await triggers('by_file')).toHaveLength(1)
    expect(await database.query(`select from pgmq.meta where queue_name like 'by_file%'`)).toHaveLength(2)
  })
})

describe('enable-realtime and disable-realtime', () => {
  test('install and remove the trigger, also twice', async () => {
    const { code, stdout } = await aimq(['enable-realtime', 'emails'], { env })
    expect(code).toBe(0)
    expect(stdout).toContain('+ create trigger aimq_notify_emails on pgmq.q_emails')
    expect(await triggers('emails')).toHaveLength(1)
    expect(await aimqJson(['enable-realtime', 'emails'], { env })).toMatchObject({ changes: [] })
    expect(await aimqJson(['disable-realtime', 'emails'], { env })).toMatchObject({ queues: ['emails'] })
    expect(await triggers('emails')).toEqual([])
    const { code: again, stdout: said } = await aimq(['disable-realtime', 'emails'], { env })
    expect({ again, said }).toEqual({ again: 0, said: '✓ workers of emails find new jobs by polling\n' })
  })

  test('disable-realtime --all where no queue has a trigger: nothing is to be done', async () => {
    const queues = await aimqJson(['disable-realtime', '--all'], { env })
    expect(queues).toMatchObject({ queues: expect.any(Array) })
    const { code, stdout } = await aimq(['disable-realtime', '--all'], { env })
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'No queue has a trigger: workers find new jobs by polling.\n',
    })
    expect(await aimqJson(['disable-realtime', '--all'], { env })).toEqual({ queues: [], changes: [] })
  })

  test('want a name or --all where nobody can be asked', async () => {
    const { code, stderr } = await aimq(['enable-realtime'], { env })
    expect(code).toBe(2)
    expect(stderr).toContain('expected the name of a queue, or --all')
    expect((await aimq(['enable-realtime', 'emails', '--all'], { env })).stderr).toContain('got both')
  })

  test('--path realtime without Realtime: what is missing', async () => {
    const { code, stderr } = await aimq(['enable-realtime', 'emails', '--path', 'both'], { env })
    expect(code).toBe(78)
    expect(stderr).toContain('realtime.send')
  })

  test('a queue that is not there', async () => {
    const { code, stderr } = await aimq(['enable-realtime', 'nowhere'], { env })
    expect(code).toBe(78)
    expect(stderr).toContain('nowhere')
  })
})

describe('triggers', () => {
  test('plan says what would change and changes nothing', async () => {
    const { code, stdout } = await aimq(['triggers', 'plan', 'plans', '--exit-code', '--sql'], { env })
    expect(code).toBe(3)
    expect(stdout).toContain('+ create trigger aimq_notify_plans')
    expect(stdout).toContain('create trigger')
    expect(await triggers('plans')).toEqual([])
    await aimqJson(['enable-realtime', 'plans'], { env })
    expect(await aimqJson(['triggers', 'plan', 'plans', '--exit-code'], { env })).toEqual({ changes: [] })
  })

  test('list finds what is wrong, and repair mends it', async () => {
    await aimqJson(['enable-realtime', 'broken'], { env })
    await database.query('alter table pgmq.q_broken disable trigger aimq_notify_broken')
    const { stdout, stderr } = await aimq(['triggers', 'list'], { env })
    expect(stdout).toMatch(/^broken .* disabled$/m)
    expect(stdout).toMatch(/^orders_dlq .* –$/m)
    expect(stderr).toContain('aimq triggers repair')
    expect((await aimq(['list'], { env })).stdout).toMatch(/^broken .* broken: disabled/m)
    expect(await aimqJson(['triggers', 'list', 'broken'], { env })).toMatchObject([
      { name: 'broken', installed: true, findings: [{ problem: 'disabled' }] },
    ])
    const { stdout: mended } = await aimq(['triggers', 'repair'], { env })
    expect(mended).toContain('aimq_notify_broken')
    expect(await triggers('broken')).toMatchObject([{ tgenabled: 'O' }])
    expect((await aimq(['triggers', 'repair'], { env })).stdout).toBe('There is nothing to mend.\n')
    await database.query('alter table pgmq.q_broken disable trigger aimq_notify_broken')
    expect(await aimqJson(['triggers', 'repair', 'broken'], { env })).toMatchObject({
      changes: [{ action: 'enable', object: expect.stringContaining('aimq_notify_broken') }],
    })
  })

  test('migration prints or writes what can be run as it stands', async () => {
    const args = ['triggers', 'migration', 'orders', '--path', 'notify']
    const { stdout } = await aimq([...args, '--print'])
    await database.query(stdout)
    expect(await triggers('orders')).toHaveLength(1)
    const { sql } = (await aimqJson([...args, '--remove', '--print'])) as { sql: string }
    await database.query(sql)
    expect(await triggers('orders')).toEqual([])
    const cwd = await temporaryFolder()
    const { file } = (await aimqJson(args, { cwd })) as { file: string }
    expect(await readFile(join(cwd, file), 'utf8')).toBe(stdout)
  })
})

describe('realtime', () => {
  test('status proves LISTEN/NOTIFY by a canary', async () => {
    const { code, stdout } = await aimq(['realtime', 'status'], { env })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^✓ LISTEN\/NOTIFY +healthy: a canary came back in /)
    expect(await aimqJson(['realtime', 'status'], { env })).toMatchObject({
      health: 'healthy',
      leader: 'listen',
    })
  })

  test('status of a database that is not there: 3, and why', async () => {
    const url = database.urlWith({ port: 1 })
    const { code, stdout } = await aimq(['realtime', 'status', '--timeout', '5s'], {
      env: { DATABASE_URL: url },
    })
    expect(code).toBe(3)
    expect(stdout).toMatch(/^✗ LISTEN\/NOTIFY +degraded: .*ECONNREFUSED/)
  })

  test('listen shows what the database tells, and what is sent by hand', async () => {
    await aimqJson(['enable-realtime', 'emails'], { env })
    const listening = await start(['realtime', 'listen'], { env })
    await listening.saw(/Listening on LISTEN\/NOTIFY/)
    await aimqJson(['send', 'emails', '{}', '--delay', '1h'], { env })
    await listening.saw(/emails ×1, due in (59 min \d+ s|1 h 0 min) {2}listen/)
    expect(await aimqJson(['realtime', 'broadcast', 'orders', '--count', '3'], { env })).toEqual({
      queue: 'orders',
      paths: ['listen'],
    })
    await listening.saw(/orders ×3/)
    const { stdout } = await aimq(['realtime', 'broadcast', 'orders', '--count', '5'], { env })
    expect(stdout).toBe('✓ told workers of orders by LISTEN/NOTIFY\n')
    await listening.saw(/orders ×5/)
    listening.child.kill('SIGINT')
    expect((await listening.ended()).code).toBe(0)
  })

  test('listen --count ends by itself, with a line of JSON for each', async () => {
    const listening = await start(['realtime', 'listen', '--json', '--count', '1'], { env })
    const stop = new AbortController()
    const telling = (async () => {
      while (!stop.signal.aborted) await aimq(['realtime', 'broadcast', 'emails'], { env })
    })()
    const { code, stdout } = await listening.ended()
    stop.abort()
    await telling
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ queue: 'emails', source: 'listen' })
  })
})
