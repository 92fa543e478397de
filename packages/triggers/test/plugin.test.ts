import { createBus, silentLogger } from '@aimq/events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { triggers } from '../src/index.ts'
import { createDatabase, type TestDatabase } from './database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
  await database.query(`select pgmq.create('emails'), pgmq.create('reports')`)
})

afterAll(() => database[Symbol.asyncDispose]())

function recordingBus() {
  const bus = createBus({ logger: silentLogger })
  const facts: [string, unknown][] = []
  for (const name of [
    'triggers:trigger-installed',
    'triggers:trigger-removed',
    'triggers:trigger-drifted',
  ] as const) {
    bus.on(name, (fact) => facts.push([name, fact]))
  }
  return { bus, facts }
}

it('installs at the start, answers every request, and says what it did', async () => {
  const { bus, facts } = recordingBus()
  await bus.use(triggers({ connectionString: database.url, queues: ['emails'], checkIntervalMs: 0 }))
  expect(facts.splice(0)).toEqual([['triggers:trigger-installed', { queue: 'emails', paths: ['notify'] }]])
  const { changes } = await bus.request('triggers:plan', { queues: ['reports'] })
  expect(changes).toMatchObject([{ action: 'create' }])
  expect(await bus.request('triggers:install', { queues: ['reports'] })).toEqual({ changes })
  expect(facts.splice(0)).toEqual([['triggers:trigger-installed', { queue: 'reports', paths: ['notify'] }]])
  await database.query('alter table pgmq.q_emails disable trigger aimq_notify_emails')
  await bus.request('triggers:list', {})
  await bus.request('triggers:list', {})
  expect(facts.splice(0)).toMatchObject([
    ['triggers:trigger-drifted', { queue: 'emails', findings: [{ problem: 'disabled' }] }],
  ])
  expect((await bus.request('triggers:repair', {})).changes).toMatchObject([{ action: 'enable' }])
  expect(facts.splice(0)).toEqual([['triggers:trigger-installed', { queue: 'emails', paths: ['notify'] }]])
  expect((await bus.request('triggers:migration', { queues: ['emails'] })).sql).toContain(
    'create or replace trigger',
  )
  facts.splice(0)
  await bus.request('triggers:remove', {})
  expect(facts.splice(0)).toEqual([
    ['triggers:trigger-removed', { queue: 'emails' }],
    ['triggers:trigger-removed', { queue: 'reports' }],
  ])
  await bus.stop()
  expect(bus.canRequest('triggers:list')).toBe(false)
})

it('looks now and then whether its triggers still stand, and says so once when one does not', async () => {
  const { bus, facts } = recordingBus()
  const drifted = new Promise((resolve) => bus.once('triggers:trigger-drifted', resolve))
  await bus.use(triggers({ connectionString: database.url, queues: ['emails'], checkIntervalMs: 100 }))
  await database.query('drop trigger aimq_notify_emails on pgmq.q_emails')
  expect(await drifted).toMatchObject({ queue: 'emails', findings: [{ problem: 'missing' }] })
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(facts.filter(([name]) => name === 'triggers:trigger-drifted')).toHaveLength(1)
  expect((await bus.request('triggers:repair', {})).changes).toMatchObject([{ action: 'create' }])
  await bus.stop()
})

it('mends with repair whatever list reports, for which queues it was made notwithstanding', async () => {
  const { bus } = recordingBus()
  await bus.use(triggers({ connectionString: database.url, queues: ['emails'], checkIntervalMs: 0 }))
  await bus.request('triggers:install', { queues: ['reports'] })
  await database.query(
    'drop trigger aimq_notify_emails on pgmq.q_emails; alter table pgmq.q_reports disable trigger aimq_notify_reports',
  )
  const findings = async () =>
    (await bus.request('triggers:list', {})).triggers.flatMap((state) => state.findings)
  expect(await findings()).toMatchObject([{ problem: 'missing' }, { problem: 'disabled' }])
  expect((await bus.request('triggers:repair', {})).changes).toMatchObject([
    { action: 'create' },
    { action: 'enable' },
  ])
  expect(await findings()).toEqual([])
  await bus.request('triggers:remove', {})
  await bus.stop()
})

it('fails the start when a queue is not there, and leaves nothing behind', async () => {
  const { bus } = recordingBus()
  await expect(
    bus.use(triggers({ connectionString: database.url, queues: ['nowhere'] })),
  ).rejects.toMatchObject({
    code: 'triggers/queue-missing',
  })
  expect(bus.canRequest('triggers:list')).toBe(false)
  await bus.stop()
})
