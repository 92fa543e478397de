import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { createTriggersClient, type TriggersClient } from '../src/index.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { installRoles } from './roles-setup.ts'
import { installJob, tableAndQueue } from './table-setup.ts'

/* Roles set to session_replication_role = replica, where what there is to do needs the owner of the table. */

let database: TestDatabase
let owner: TriggersClient

beforeAll(async () => {
  database = await createDatabase()
  owner = createTriggersClient({ connectionString: database.url })
  await database.query(`select pgmq.create('emails'), pgmq.create('emails_dlq')`)
})

afterAll(() => database[Symbol.asyncDispose]())

beforeEach(async () => {
  await owner.remove()
  const { reader } = await installRoles(database, { queues: ['emails'], roles: ['reader'] })
  await database.query(
    `alter role ${reader} in database ${database.name} set session_replication_role = replica`,
  )
  onTestFinished(async () => {
    await database.query(`alter role ${reader} in database ${database.name} reset session_replication_role`)
  })
})

/** A client of a role that may put triggers on the queue, and does not own it. */
async function installing(): Promise<TriggersClient> {
  const { installer } = await installRoles(database, { queues: ['emails'], roles: ['installer'] })
  onTestFinished(async () => {
    await owner.remove()
    await database.query(`drop owned by ${installer} cascade`)
  })
  const url = new URL(database.url)
  url.searchParams.set('options', `-c role=${installer}`)
  return createTriggersClient({ connectionString: url.href })
}

const states = async () =>
  (
    await database.query(
      `select tgenabled::text as state from pg_trigger where tgrelid = 'pgmq.q_emails'::regclass`,
    )
  )
    .map(({ state }) => state)
    .join()

it('an installer installs all the same, and list says what the owner must run', async () => {
  const installer = await installing()
  await installer.install({ queues: ['emails'] })
  expect(await states()).toBe('O')
  const [state] = (await installer.list({ queues: ['emails'] })).triggers
  expect(state?.findings).toMatchObject([{ problem: 'disabled' }])
  const sql = 'alter table pgmq.q_emails enable always trigger aimq_notify_emails;'
  expect(state?.findings[0]?.message).toContain(`its owner can run: ${sql}`)
  expect((await installer.repair({ queues: ['emails'] })).changes).toEqual([])
  await database.query(sql)
  expect((await installer.list({ queues: ['emails'] })).triggers[0]?.findings).toEqual([])
  expect((await owner.list({ queues: ['emails'] })).triggers[0]?.findings).toEqual([])
})

it('an installer mends a trigger that somebody disabled, as far as it may', async () => {
  const installer = await installing()
  await installer.install({ queues: ['emails'] })
  await database.query('alter table pgmq.q_emails disable trigger aimq_notify_emails')
  await installer.repair({ queues: ['emails'] })
  expect(await states()).toBe('O')
  await owner.repair()
  expect(await states()).toBe('A')
})

it('a migration leaves it to repair to make a trigger fire there', async () => {
  await database.query((await owner.migration({ queues: ['emails'] })).sql)
  expect((await owner.list({ queues: ['emails'] })).triggers[0]?.findings).toMatchObject([
    { problem: 'disabled' },
  ])
  await owner.repair()
  expect(await states()).toBe('A')
})

it('a table job makes no jobs there, which is no drift; and one that its owner lets fire is none either', async () => {
  const { table, queue } = await tableAndQueue(database)
  const name = await installJob(database, { table, queue, payload: ['id'] })
  const findings = async () => (await owner.listTableJobs({ names: [name] })).triggers[0]?.findings
  expect(await findings()).toEqual([])
  await database.query(`alter table ${table} enable always trigger aimq_job_${name}`)
  expect(await findings()).toEqual([])
  await database.query(`alter table ${table} enable replica trigger aimq_job_${name}`)
  expect(await findings()).toMatchObject([{ problem: 'drifted' }])
})
