import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTriggersClient, type TableJob, type TriggersClient } from '../src/index.ts'
import { catalogueOf, createDatabase, failureOf, type TestDatabase } from './database.ts'

import { tableAndQueue } from './table-setup.ts'

let database: TestDatabase
let client: TriggersClient
beforeAll(async () => {
  database = await createDatabase()
  client = createTriggersClient({ connectionString: database.url })
})
afterAll(() => database[Symbol.asyncDispose]())

const newName = () => `j${randomBytes(4).toString('hex')}`

async function aJob(extra: Partial<TableJob> = {}): Promise<TableJob & { readonly queue: string }> {
  const { table, queue } = await tableAndQueue(database)
  return { name: newName(), table, payload: ['id', 'status'], ...extra, queue } as TableJob & {
    readonly queue: string
  }
}
const stateOf = async (name: string) => (await client.listTableJobs({ names: [name] })).triggers[0]
const problemsOf = async (name: string) => (await stateOf(name))?.findings.map(({ problem }) => problem)

describe('table jobs', () => {
  it('are planned, installed as planned, listed, and then there is nothing left to do', async () => {
    const job = await aJob({
      operations: ['update'],
      updateOf: ['status'],
      when: 'new.id > 0',
      coalesceBy: ['id'],
    })
    const planned = await client.planTableJobs({ jobs: [job] })
    expect(planned.changes).toMatchObject([
      {
        action: 'create',
        object: `trigger aimq_job_${job.name} on public.${job.table}`,
        reason: 'it is not installed',
      },
    ])
    expect(await problemsOf(job.name)).toEqual(['missing'])
    expect(await client.installTableJobs({ jobs: [job] })).toEqual(planned)
    expect(await client.planTableJobs({ jobs: [job] })).toEqual({ changes: [] })
    expect(await client.installTableJobs({ jobs: [job] })).toEqual({ changes: [] })
    expect(await stateOf(job.name)).toMatchObject({
      kind: 'table',
      installed: true,
      version: 1,
      job,
      findings: [],
    })
    expect((await client.list()).triggers).toContainEqual(await stateOf(job.name))
    await client.removeTableJobs({ names: [job.name] })
    expect(await problemsOf(job.name)).toEqual(['missing'])
  })

  it('are replaced when something else is wanted, and say what', async () => {
    const job = await aJob({ coalesceBy: ['id'] })
    const other = await tableAndQueue(database)
    await client.installTableJobs({ jobs: [job] })
    const moved = { ...job, table: other.table, when: 'true', coalesceBy: [] }
    const { changes } = await client.installTableJobs({ jobs: [moved] })
    expect(changes).toMatchObject([{ action: 'replace', reason: 'other table, when, coalesceBy' }])
    await database.query(`insert into ${job.table} values (1); insert into ${other.table} values (2)`)
    expect(await database.query(`select message from pgmq.q_${job.queue}`)).toMatchObject([
      { message: { new: { id: 2 } } },
    ])
    expect(
      await database.query('select from pg_class where relname = $1', [`aimq_coalesce_${job.queue}`]),
    ).toEqual([])
    await client.removeTableJobs({ names: [job.name] })
  })

  it('leave the catalogue as it was when they are removed, and leave other jobs alone', async () => {
    const [one, two] = [await aJob({ coalesceBy: ['id'] }), await aJob()]
    const shared = { ...two, queue: one.queue, coalesceBy: ['id'] }
    const before = await catalogueOf(database)
    await Promise.all(Array.from({ length: 10 }, () => client.installTableJobs({ jobs: [one, shared] })))
    const both = await catalogueOf(database)
    expect(both).not.toEqual(before)
    await client.removeTableJobs({ names: [one.name] })
    expect(
      await database.query('select from pg_class where relname = $1', [`aimq_coalesce_${one.queue}`]),
    ).toHaveLength(1)
    await database.query(`insert into ${two.table} values (1)`)
    expect(await database.query(`select from pgmq.q_${one.queue}`)).toHaveLength(1)
    await client.removeTableJobs()
    expect(await catalogueOf(database)).toEqual(before)
    expect(await client.removeTableJobs()).toEqual({ changes: [] })
  })

  it('come as the same migration every time, which can be run any number of times', async () => {
    const job = await aJob({ coalesceBy: ['id'] })
    const { fileName, sql } = await client.tableMigration({ jobs: [job], naming: 'plain' })
    expect(fileName).toBe(`aimq_job_${job.name}.sql`)
    expect((await client.tableMigration({ jobs: [job] })).fileName).toMatch(/^\d{14}_aimq_job_\w+\.sql$/)
    expect((await client.tableMigration({ jobs: [job] })).sql).toBe(sql)
    const before = await catalogueOf(database)
    await database.query(sql)
    await database.query(sql)
    expect(await client.planTableJobs({ jobs: [job] })).toEqual({ changes: [] })
    const removal = await client.tableMigration({ jobs: [job], remove: true })
    await database.query(removal.sql)
    await database.query(removal.sql)
    expect(await catalogueOf(database)).toEqual(before)
  })

  it('that cannot be are refused with what is wrong, and nothing is changed', async () => {
    const job = await aJob()
    const before = await catalogueOf(database)
    const refused = async (extra: Partial<TableJob>) =>
      failureOf(client.installTableJobs({ jobs: [await Promise.resolve({ ...job, ...extra })] }))
    const code = 'triggers/table-job-refused'
    expect(await refused({ table: 'nowhere' })).toMatchObject({
      code,
      message: expect.stringContaining('"public.nowhere" does not exist'),
    })
    expect(await refused({ payload: ['id', 'Id'] })).toMatchObject({
      code,
      message: expect.stringContaining('new.Id does not exist'),
    })
    expect(await refused({ coalesceBy: ['nope'] })).toMatchObject({
      code,
      message: expect.stringContaining('nope'),
    })
    expect(await refused({ updateOf: ['nope'] })).toMatchObject({
      code,
      message: expect.stringContaining('nope'),
    })
    expect(await refused({ payload: { a: 'new.id +' } })).toMatchObject({
      code,
      message: expect.stringContaining('syntax error'),
    })
    // What an installer's search_path finds, and the function's does not.
    await database.query('create function public.mine() returns int language sql as $$ select 1 $$')
    expect(await refused({ payload: { a: 'mine()' } })).toMatchObject({
      code,
      message: expect.stringContaining('mine() does not exist'),
    })
    await database.query('drop function public.mine()')
    expect(await refused({ when: 'old.id = 1' })).toMatchObject({
      code,
      message: expect.stringContaining('OLD'),
    })
    expect(await refused({ queue: 'nowhere' })).toMatchObject({ code: 'triggers/queue-missing' })
    expect(await catalogueOf(database)).toEqual(before)
  })

  it('give way to a busy table, and say who holds it', async () => {
    const job = await aJob()
    const holder = await database.pool.connect()
    await holder.query(`begin; insert into ${job.table} values (1)`)
    const impatient = createTriggersClient({ connectionString: database.url, lockWaitMs: 500 })
    const error = await failureOf(impatient.installTableJobs({ jobs: [job] }))
    expect(error).toMatchObject({
      code: 'triggers/busy',
      message: expect.stringContaining(`public.${job.table} is held by`),
    })
    const patient = client.installTableJobs({ jobs: [job] })
    await holder.query('commit')
    holder.release()
    expect((await patient).changes).toHaveLength(1)
    await client.removeTableJobs({ names: [job.name] })
  })
})

describe('drift of a table job', () => {
  const drifts: [string, (job: TableJob & { queue: string }) => string, string[], string][] = [
    [
      'a disabled trigger',
      ({ table, name }) => `alter table ${table} disable trigger aimq_job_${name}`,
      ['disabled'],
      'enable',
    ],
    [
      'a trigger for replicas only',
      ({ table, name }) => `alter table ${table} enable replica trigger aimq_job_${name}`,
      ['drifted'],
      'replace',
    ],
    [
      'a dropped trigger',
      ({ table, name }) => `drop trigger aimq_job_${name} on ${table}`,
      ['missing'],
      'create',
    ],
    [
      'another trigger of its name',
      ({ table, name }) =>
        `create or replace trigger aimq_job_${name} after delete on ${table} for each row execute function aimq.job_${name}()`,
      ['drifted'],
      'replace',
    ],
    [
      'another body',
      ({ name }) =>
        `create or replace function aimq.job_${name}() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as 'begin return null; end'`,
      ['drifted'],
      'replace',
    ],
    [
      'a function without its search_path',
      ({ name }) => `alter function aimq.job_${name}() reset all`,
      ['drifted'],
      'replace',
    ],
    [
      'a function that is not security definer',
      ({ name }) => `alter function aimq.job_${name}() security invoker`,
      ['drifted'],
      'replace',
    ],
    [
      'a function that somebody else may use',
      ({ name }) => `grant execute on function aimq.job_${name}() to pg_monitor`,
      ['drifted'],
      'replace',
    ],
    [
      'a function that everybody may use',
      ({ name }) => `grant execute on function aimq.job_${name}() to public`,
      ['drifted'],
      'replace',
    ],
    [
      'a renamed table',
      ({ table }) => `alter table ${table} rename to "Renamed ${table}"`,
      ['drifted'],
      'replace',
    ],
    ['no index', ({ queue }) => `drop index pgmq.aimq_coalesce_${queue}`, ['drifted'], 'replace'],
    [
      'another version',
      ({ name }) => `comment on function aimq.job_${name}() is '%comment%'`,
      ['old-version'],
      'replace',
    ],
  ]
  it.each(drifts)('%s is found and mended', async (_, sql, problems, action) => {
    const job = await aJob({ coalesceBy: ['id'] })
    await client.installTableJobs({ jobs: [job] })
    const [{ comment } = {}] = await database.query(
      `select obj_description('aimq.job_${job.name}'::regproc) as comment`,
    )
    await database.query(sql(job).replace('%comment%', String(comment).replace('"version":1', '"version":0')))
    expect(await problemsOf(job.name)).toEqual(problems)
    const { changes } = await client.repairTableJobs({ names: [job.name] })
    expect(changes.map((change) => change.action)).toEqual([action])
    expect(await problemsOf(job.name)).toEqual([])
    const { table } = (await stateOf(job.name)) ?? {}
    const [schema, name] = String(table).split('.')
    await database.query(`insert into "${schema}"."${name}" values (1)`)
    expect(await database.query(`select message ->> 'table' as name from pgmq.q_${job.queue}`)).toEqual([
      { name: table },
    ])
    await client.removeTableJobs({ names: [job.name] })
  })

  it('that needs a person is told, and left alone', async () => {
    const job = await aJob()
    await client.installTableJobs({ jobs: [job] })
    await database.query(`drop table pgmq.q_${job.queue}`)
    expect((await stateOf(job.name))?.findings).toMatchObject([
      { problem: 'queue-missing', message: expect.stringContaining('every change fails') },
    ])
    expect(await client.repairTableJobs({ names: [job.name] })).toEqual({ changes: [] })
    await client.removeTableJobs({ names: [job.name] })
  })

  it('by a renamed column is told, and left alone', async () => {
    const job = await aJob()
    await client.installTableJobs({ jobs: [job] })
    await database.query(`alter table ${job.table} rename column status to state`)
    expect((await stateOf(job.name))?.findings).toMatchObject([
      { problem: 'unsupported', message: expect.stringContaining('column "status"') },
    ])
    expect(await client.repairTableJobs({ names: [job.name] })).toEqual({ changes: [] })
    await expect(database.query(`insert into ${job.table} values (1)`)).rejects.toMatchObject({
      code: '42703',
    })
    await client.removeTableJobs({ names: [job.name] })
    await database.query(`insert into ${job.table} values (1)`)
  })

  it('into a newer version is told, and left alone', async () => {
    const job = await aJob()
    await client.installTableJobs({ jobs: [job] })
    const [{ comment } = {}] = await database.query(
      `select obj_description('aimq.job_${job.name}'::regproc) as comment`,
    )
    const newer = String(comment).replace('"version":1', '"version":9')
    await database.query(`comment on function aimq.job_${job.name}() is '${newer}'`)
    expect((await stateOf(job.name))?.findings).toMatchObject([
      { problem: 'old-version', message: expect.stringContaining('upgrade @aimq/triggers') },
    ])
    expect(await client.repairTableJobs({ names: [job.name] })).toEqual({ changes: [] })
    expect(await client.installTableJobs({ jobs: [job] })).toEqual({ changes: [] })
    await client.removeTableJobs({ names: [job.name] })
  })

  it('that took its comment is mended by installing it again', async () => {
    const job = await aJob()
    await client.installTableJobs({ jobs: [job] })
    await database.query(`comment on function aimq.job_${job.name}() is null`)
    expect(await problemsOf(job.name)).toEqual(['drifted'])
    expect((await client.repairTableJobs({ names: [job.name] })).changes).toEqual([])
    expect((await client.installTableJobs({ jobs: [job] })).changes).toHaveLength(1)
    expect(await problemsOf(job.name)).toEqual([])
    await client.removeTableJobs({ names: [job.name] })
  })
})
