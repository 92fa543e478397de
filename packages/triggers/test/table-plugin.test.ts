import { createBus, defineQueue, type FactName, silentLogger, type TableChange } from '@aimq/events'
import { nextFact, recordFacts } from '@aimq/events/testing'
import { expect, it, onTestFinished } from 'vitest'
import { type TableJob, tableJob, triggers } from '../src/index.ts'
import { createDatabase } from './database.ts'

interface Order {
  readonly id: number
  readonly status: string
}
const orders = defineQueue<TableChange<Order>>('orders')
const mails = defineQueue<{ to: string; subject: string }>('mails')

async function onBus(extra: object = {}) {
  const database = await createDatabase()
  await database.query(`select pgmq.create('orders'), pgmq.create('mails')`)
  await database.query('create table public.orders (id int primary key, status text, email text)')
  const bus = createBus({ logger: silentLogger })
  onTestFinished(async () => {
    await bus.stop()
    await database[Symbol.asyncDispose]()
  })
  const recorded = recordFacts(
    bus,
    'triggers:table-job-installed',
    'triggers:table-job-removed',
    'triggers:table-job-drifted',
  )
  const facts = (name: FactName) => recorded.filter((one) => one.name === name).map(({ fact }) => fact)
  await bus.use(triggers({ connectionString: database.url, ...extra }))
  return { database, bus, facts }
}
const job = tableJob({ name: 'order_changed', table: 'orders', queue: orders, payload: ['id', 'status'] })
const mail = tableJob({
  name: 'order_mail',
  table: 'orders',
  queue: mails,
  operations: ['insert'],
  payload: { to: 'new.email', subject: "'Order ' || new.id" },
})

it('installs its table jobs at the start, and says so', async () => {
  const { database, bus, facts } = await onBus({ tableJobs: [job, mail] })
  expect(facts('triggers:table-job-installed')).toEqual([
    { name: 'order_changed', table: 'public.orders', queue: 'orders' },
    { name: 'order_mail', table: 'public.orders', queue: 'mails' },
  ])
  await database.query(`insert into orders values (1, 'new', 'ada@example.com')`)
  expect(await database.query('select message from pgmq.q_mails')).toEqual([
    { message: { to: 'ada@example.com', subject: 'Order 1' } },
  ])
  expect((await bus.request('triggers:list', {})).triggers).toMatchObject([
    { kind: 'queue' },
    { kind: 'queue' },
    { kind: 'table', name: 'order_changed', findings: [] },
    { kind: 'table', name: 'order_mail', findings: [] },
  ])
})

it('answers the requests for table jobs and roles', async () => {
  const { database, bus, facts } = await onBus()
  const plain = { name: 'plain', table: 'orders', queue: 'orders', payload: ['id'] }
  const planned = await bus.request('triggers:plan-table', { jobs: [plain] })
  expect(await bus.request('triggers:install-table', { jobs: [plain] })).toEqual(planned)
  const { sql } = await bus.request('triggers:table-migration', { jobs: [plain], naming: 'plain' })
  expect(sql).toBe(planned.changes[0]?.sql)
  await database.query('alter table orders disable trigger all')
  expect((await bus.request('triggers:repair', {})).changes).toMatchObject([{ action: 'enable' }])
  await bus.request('triggers:remove-table', {})
  expect(facts('triggers:table-job-removed')).toEqual([{ name: 'plain' }])

  const wish = { queues: ['orders'], prefix: `r${database.name.slice(-8)}`, roles: ['reader'] as const }
  const exists = async () =>
    (await database.query('select from pg_roles where rolname = $1', [`${wish.prefix}_reader`])).length === 1
  const read = await bus.request('triggers:roles', wish)
  expect(read).toMatchObject({ applied: false, sql: expect.stringContaining('grant select') })
  expect(await exists()).toBe(false)
  expect(await bus.request('triggers:roles', { ...wish, apply: true })).toEqual({ ...read, applied: true })
  expect(await exists()).toBe(true)
  await bus.request('triggers:roles', { ...wish, remove: true, apply: true })
  expect(await exists()).toBe(false)
})

it('tells of a table job that was disabled, and of one that has gone, once', async () => {
  const { database, bus, facts } = await onBus({ tableJobs: [job, mail], checkIntervalMs: 100 })
  const first = nextFact(bus, 'triggers:table-job-drifted')
  await database.query('alter table orders disable trigger aimq_job_order_changed')
  expect(await first).toMatchObject({ name: 'order_changed', findings: [{ problem: 'disabled' }] })
  const second = nextFact(bus, 'triggers:table-job-drifted')
  await database.query('drop function aimq.job_order_mail() cascade')
  expect(await second).toMatchObject({ name: 'order_mail', findings: [{ problem: 'missing' }] })
  expect(facts('triggers:table-job-drifted')).toHaveLength(2)
})

it('types the payload by the queue', () => {
  // @ts-expect-error: no such column in the row type
  tableJob({ name: 'x', table: 'orders', queue: orders, payload: ['id', 'nope'] })
  // @ts-expect-error: a field is missing
  tableJob({ name: 'x', table: 'orders', queue: mails, payload: { to: 'new.email' } })
  // @ts-expect-error: columns are no payload of this queue
  tableJob({ name: 'x', table: 'orders', queue: mails, payload: ['to', 'subject'] })
  const untyped: TableJob = tableJob({ name: 'x', table: 'orders', queue: 'mails', payload: ['anything'] })
  expect(untyped.payload).toEqual(['anything'])
})
