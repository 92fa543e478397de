import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTriggersClient, rolesSql } from '../src/index.ts'
import { resolveTableJob } from '../src/table-options.ts'
import { installTableJob, removeTableJob } from '../src/table-sql.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { tableAndQueue } from './table-setup.ts'

/* SQL that people run by themselves: it lets go of a busy table, so that nobody who writes stands behind it for long. */

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
})

afterAll(() => database[Symbol.asyncDispose]())

async function place() {
  const { table, queue } = await tableAndQueue(database)
  await database.query('select pgmq.create($1)', [`${queue}_dlq`])
  const job = resolveTableJob({ name: `job_${queue}`, table, queue, payload: ['id'], coalesceBy: ['id'] })
  const roles = { queues: [queue], prefix: `r${queue}`, roles: ['reader'] as const, rowSecurity: true }
  return { table, queue, job, roles }
}
type Place = Awaited<ReturnType<typeof place>>

const files: [string, (at: Place) => string, (at: Place) => string | Promise<string>][] = [
  ['a table job', () => '', ({ job }) => installTableJob(job)],
  ['its removal', ({ job }) => installTableJob(job), ({ job }) => removeTableJob(job.name)],
  ['roles', () => '', ({ roles }) => rolesSql(roles)],
  ['their removal', ({ roles }) => rolesSql(roles), ({ roles }) => rolesSql({ ...roles, remove: true })],
  [
    'a trigger',
    () => '',
    async ({ queue }) =>
      (await createTriggersClient({ connectionString: database.url }).migration({ queues: [queue] })).sql,
  ],
]

it.each(files)('%s waits for a busy table with others getting through', async (_, before, file) => {
  const at = await place()
  await database.query(before(at))
  const write = `insert into ${at.table} values (1); select pgmq.send('${at.queue}', '{}')`
  const holder = await database.pool.connect()
  await holder.query(`begin; lock table ${at.table}, pgmq.q_${at.queue} in row exclusive mode`)
  const running = database.query(await file(at))
  running.catch(() => {})
  const waits = () =>
    database.query(
      `select from pg_locks where not granted and locktype = 'relation' and database = (select oid from pg_database where datname = current_database())`,
    )
  await expect.poll(waits, { interval: 5, timeout: 10_000 }).toHaveLength(1)
  // Behind it in the queue for the lock; whoever waits for a time of its own is waited for until that is over.
  await database.query(write)
  await holder.query('commit')
  holder.release()
  await running
  await database.query(removeTableJob(at.job.name))
  await database.query(rolesSql({ ...at.roles, remove: true }))
})
