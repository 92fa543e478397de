import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPgbouncer } from '../../../packages/queue/test/pgbouncer.ts'
import { aimq } from '../harness/aimq.ts'
import { canary, useDatabase } from '../harness/database.ts'

const database = useDatabase()
const env = { DATABASE_URL: database.url }
const weak = `doctor_weak_${process.pid}`
const bare = `doctor_bare_${process.pid}`

interface Finding {
  readonly check: string
  readonly level: string
  readonly message: string
  readonly remedy?: string
}

async function examine(
  url = database.url,
  ...args: string[]
): Promise<{ code: number | null; findings: Finding[] }> {
  const { code, stdout } = await aimq(['doctor', '--json', ...args], { env: { DATABASE_URL: url } })
  return { code, findings: (JSON.parse(stdout) as { findings: Finding[] }).findings }
}

/** What the whole server has in common is what the tests beside this one do. */
const ofTheServer = new Set(['connections', 'notify', 'clock', 'oldest xmin'])
const own = (findings: readonly Finding[]) => findings.filter(({ check }) => !ofTheServer.has(check))
const bad = (findings: readonly Finding[]) =>
  own(findings).filter(({ level }) => level === 'fault' || level === 'warning')
const faults = (findings: readonly Finding[]) => own(findings).filter(({ level }) => level === 'fault')

beforeAll(async () => {
  await database.query('create extension if not exists pgmq')
  for (const queue of ['emails', 'emails_dlq']) await database.query('select pgmq.create($1)', [queue])
  await database.query(`create role ${weak} login password '${canary}'`)
  await database.query(`create database ${bare} template template0`)
})
afterAll(async () => {
  await database.query(`drop database ${bare}`)
  await database.query(`drop owned by ${weak}`)
  await database.query(`drop role ${weak}`)
})

test('a database in order: nothing is wrong, and what could be better is noted', async () => {
  const { stdout, stderr } = await aimq(['doctor'], { env })
  const { code, findings } = await examine()
  expect(bad(findings)).toEqual([])
  expect(code).toBe(findings.some(({ level }) => level === 'fault') ? 3 : 0)
  expect(stderr).toContain('on the database')
  expect(stdout).toMatch(/^✓ pgmq +pgmq 1\.\d/m)
  expect(stdout).toMatch(/^✓ wake-ups +LISTEN\/NOTIFY: a canary came back in /m)
  expect(stdout).toMatch(/^· triggers +nobody tells workers of new jobs in emails: /m)
  expect(stdout).toContain('→ run: aimq enable-realtime emails')
  if (findings.every(({ level }) => level === 'ok' || level === 'note'))
    expect(stdout.trimEnd()).toMatch(/Nothing is wrong\.$/)
})

describe('what is wrong, with its remedy: 3', () => {
  test('a trigger that drifted; what the remedy says mends it', async () => {
    await aimq(['enable-realtime', 'emails'], { env })
    await database.query('alter table pgmq.q_emails disable trigger aimq_notify_emails')
    const { code, findings } = await examine()
    expect(code).toBe(3)
    expect(bad(findings)).toMatchObject([{ check: 'triggers', remedy: 'run: aimq triggers repair' }])
    await aimq(['triggers', 'repair'], { env })
    expect(faults((await examine()).findings)).toEqual([])
  })

  test('no pgmq', async () => {
    const { code, findings } = await examine(database.urlWith({ database: bare }))
    expect(code).toBe(3)
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: 'pgmq',
        level: 'fault',
        remedy: expect.stringContaining('create extension pgmq'),
      }),
    )
  })

  test('an unlogged queue; what the remedy says mends it', async () => {
    await database.query(`select pgmq.create_unlogged('fleeting')`)
    const { code, findings } = await examine()
    expect(code).toBe(3)
    const found = bad(findings).find(({ message }) => message.includes('unlogged'))
    await database.query(found?.remedy?.replace('run: ', '') ?? '')
    expect(faults((await examine()).findings)).toEqual([])
    await database.query(`select pgmq.drop_queue('fleeting')`)
  })

  test('a role that may not look, and one that may not work: the statements make it able', async () => {
    const url = database.urlWith({ user: weak })
    const { code, findings } = await examine(url)
    expect(code).toBe(3)
    expect(findings).toContainEqual(expect.objectContaining({ check: 'grants', level: 'fault' }))
    await database.query(`grant usage on schema pgmq to ${weak}`)
    await database.query(`grant select on pgmq.meta to ${weak}`)
    const grants = (await examine(url)).findings.filter(({ check }) => check === 'grants')
    expect(grants.map(({ level }) => level)).toEqual(['warning', 'warning'])
    for (const { remedy = '' } of grants) await database.query(remedy.replace('as its owner: ', ''))
    expect((await examine(url)).findings.filter(({ check }) => check === 'grants')).toEqual([])
  })
})

test('a pooler in transaction mode is told apart from none', async () => {
  await using pooler = await startPgbouncer(database.url)
  const { findings } = await examine(pooler.url)
  expect(faults(findings)).toEqual([])
  expect(findings.find(({ check }) => check === 'pooler')).toMatchObject({
    level: 'warning',
    message: expect.stringContaining('transaction mode'),
    remedy: expect.stringContaining('DIRECT_URL'),
  })
  const direct = (await examine()).findings.find(({ check }) => check === 'pooler')
  expect(direct).toMatchObject({ level: 'ok', message: expect.stringContaining('none in between') })
})

test('a transaction in another database keeps no dead rows here, and one in this database does', async () => {
  const looks = await readFile(
    new URL('../../../packages/cli/sql/doctor-horizon.sql', import.meta.url),
    'utf8',
  )
  const hold = async (name: string, url: string, begin: string) => {
    const client = new pg.Client({ connectionString: url, application_name: name })
    await client.connect()
    await client.query(begin)
    return client
  }
  const sees = 'begin isolation level repeatable read; select from pg_class limit 1'
  const holders = [
    await hold('sees_here', database.url, sees),
    await hold('writes_here', database.url, 'begin; select pg_current_xact_id()'),
    await hold('sees_elsewhere', database.urlWith({ database: bare }), sees),
  ]
  try {
    const names = (await database.query(looks)).map(({ name }) => String(name)).join()
    expect(names).toContain('sees_here')
    expect(names).toContain('writes_here')
    expect(names).not.toContain('sees_elsewhere')
  } finally {
    await Promise.all(holders.map((holder) => holder.end()))
  }
})

test('--security names what strangers may do; what the remedies say takes it from them', async () => {
  expect(faults((await examine(database.url, '--security')).findings)).toEqual([])
  await database.query('grant usage on schema pgmq to public')
  await database.query('grant select on pgmq.q_emails to public')
  const { code, findings } = await examine(database.url, '--security')
  expect(code).toBe(3)
  const grants = findings.filter(({ check }) => check === 'grants')
  expect(grants.map(({ message }) => message)).toEqual([
    'PUBLIC has select on pgmq.q_emails',
    'PUBLIC has usage on schema pgmq',
  ])
  for (const { remedy = '' } of grants) await database.query(remedy.replace('unless you mean it, run: ', ''))
  expect(faults((await examine(database.url, '--security')).findings)).toEqual([])
})

test('a database that is not there is told as always', async () => {
  const { code, stderr } = await aimq(['doctor'], { env: { DATABASE_URL: database.urlWith({ port: 1 }) } })
  expect(code).toBe(69)
  expect(stderr).toContain('127.0.0.1:1/')
})
