import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTriggersClient, type TriggersClient, triggers as triggersStep } from '../src/index.ts'
import { catalogueOf, createDatabase, failureOf, type TestDatabase } from './database.ts'
import { createRealtime } from './realtime-schema.ts'

/* The policy that lets workers hear private topics has a transaction of its own, after that of the triggers. */

let database: TestDatabase
let triggers: TriggersClient

beforeEach(async () => {
  database = await createDatabase()
  triggers = createTriggersClient({ connectionString: database.url })
  await database.query(`select pgmq.create('emails')`)
})

afterEach(() => database[Symbol.asyncDispose]())

const installed = async () => (await triggers.list()).triggers.map((state) => state.installed)
const policies = async () =>
  (await database.query('select polname from pg_policy order by 1')).map(({ polname }) => polname)

it('is refused before anything is changed where there is no Realtime', async () => {
  const before = await catalogueOf(database)
  expect(await failureOf(triggers.install({ policy: true }))).toMatchObject({
    code: 'triggers/realtime-missing',
  })
  expect(await installed()).toEqual([false])
  expect(await catalogueOf(database)).toEqual(before)
})

it('is refused before anything is changed for a channel that it does not cover', async () => {
  await createRealtime(database)
  const wish = { channel: 'mine', policy: true }
  const refusal = { code: 'triggers/invalid-options', message: expect.stringContaining('"aimq:"') }
  expect(await failureOf(triggers.install(wish))).toMatchObject(refusal)
  expect(await failureOf(triggers.plan(wish))).toMatchObject(refusal)
  expect(await failureOf(triggers.migration({ ...wish, queues: ['emails'] }))).toMatchObject(refusal)
  expect(await installed()).toEqual([false])
  expect(() => triggersStep({ connectionString: database.url, queues: ['emails'], ...wish })).toThrow(
    expect.objectContaining(refusal),
  )
})

it('says that the triggers stand, or have gone, when only the policy could not be had', async () => {
  await createRealtime(database)
  const holder = new pg.Client({ connectionString: database.url })
  await holder.connect()
  await holder.query('begin; lock table realtime.messages in row exclusive mode')
  const impatient = createTriggersClient({ connectionString: database.url, lockWaitMs: 300 })
  const error = await failureOf(impatient.install({ policy: true }))
  expect(error).toMatchObject({ code: 'triggers/busy' })
  expect(error.message).toMatch(
    /^the triggers are installed, the policy is not: .*realtime\.messages is held by/,
  )
  expect(await installed()).toEqual([true])
  await holder.query('rollback')
  await triggers.install({ policy: true })
  await holder.query('begin; lock table realtime.messages in row exclusive mode')
  const other = await failureOf(impatient.remove())
  expect(other).toMatchObject({ code: 'triggers/busy' })
  expect(other.message).toMatch(/^the triggers are removed, the policy is not: /)
  expect(await installed()).toEqual([false])
  await holder.end()
  await triggers.remove()
  expect(await policies()).toEqual([])
  expect(await database.query(`select from pg_namespace where nspname = 'aimq'`)).toEqual([])
})

const byHand = `create policy aimq_workers_receive on realtime.messages for select to authenticated using (
  extension = 'broadcast' and (select realtime.topic()) like 'aimq:%'
  and (select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'aimq_role') = 'worker')`

it('that somebody made by hand stays, whoever removes', async () => {
  await createRealtime(database)
  await database.query(byHand)
  expect((await triggers.install({ policy: true })).changes).not.toContainEqual(
    expect.objectContaining({ object: 'policy aimq_workers_receive on realtime.messages' }),
  )
  await triggers.remove()
  expect(await policies()).toEqual(['aimq_workers_receive'])
  await database.query((await triggers.migration({ queues: ['emails'], policy: true })).sql)
  await database.query((await triggers.migration({ queues: ['emails'], remove: true })).sql)
  expect(await policies()).toEqual(['aimq_workers_receive'])
  expect(await database.query(`select from pg_namespace where nspname = 'aimq'`)).toEqual([])
})

it('that is ours goes with the last trigger, by whichever way it came', async () => {
  await createRealtime(database)
  const file = await triggers.migration({ queues: ['emails'], policy: true })
  const undo = await triggers.migration({ queues: ['emails'], remove: true })
  const before = await catalogueOf(database)
  await triggers.install({ policy: true })
  await database.query(undo.sql)
  expect(await policies()).toEqual([])
  await database.query(file.sql)
  expect(await policies()).toEqual(['aimq_workers_receive'])
  expect((await triggers.plan({ policy: true })).changes).toEqual([])
  await triggers.remove()
  expect(await policies()).toEqual([])
  expect(JSON.stringify(await catalogueOf(database))).toBe(JSON.stringify(before))
})

it('leaves nothing behind when the ledger was emptied or dropped meanwhile', async () => {
  for (const damage of ['delete from aimq.migration', 'drop table aimq.migration']) {
    await triggers.install()
    await database.query(damage)
    await triggers.remove()
    expect(await database.query(`select from pg_namespace where nspname = 'aimq'`)).toEqual([])
    expect((await triggers.remove()).changes).toEqual([])
    await triggers.install()
    await database.query(damage)
    const { sql } = await triggers.migration({ queues: ['emails'], remove: true })
    await database.query(sql)
    expect(await database.query(`select from pg_namespace where nspname = 'aimq'`)).toEqual([])
    await database.query(sql)
  }
})
