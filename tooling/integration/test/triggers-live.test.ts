/*
 * Triggers put on and taken off while producers and workers run full speed: plain SQL sends, the genuine client, worker
 * and listener work.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { createBus, silentLogger } from '@aimq/events'
import { nextFact } from '@aimq/events/testing'
import { queue } from '@aimq/queue'
import { realtime } from '@aimq/realtime'
import { createTriggersClient } from '@aimq/triggers'
import { worker } from '@aimq/worker'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { createDatabase, type TestDatabase } from '../harness/database.ts'

const aMinuteMs = 60_000

/** Sends in every way there is, as fast as it goes, until told to stop. Any error is the test's. */
function produce(database: TestDatabase): { stop(): Promise<number> } {
  let running = true
  const ways = [
    `select pgmq.send('jobs', '{}')`,
    `select pgmq.send_batch('jobs', array_fill('{}'::jsonb, array[20]))`,
    `begin; select pgmq.send('jobs', '{}'); savepoint a; select pgmq.send('jobs', '{}'); rollback to a; commit`,
    `begin isolation level repeatable read; select pgmq.send('jobs', '{}'); commit`,
  ]
  const producers = ways.map(async (sql) => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    let statements = 0
    try {
      for (; running; statements++) await client.query(sql)
    } finally {
      await client.end()
    }
    return statements
  })
  // A rejection is seen by stop(); until then it is nobody's.
  for (const producer of producers) producer.catch(() => {})
  return {
    async stop() {
      running = false
      return (await Promise.all(producers)).reduce((sum, statements) => sum + statements, 0)
    },
  }
}

it('installs and removes under load: no error, no lost job, workers wake at once and then poll again', async () => {
  await using database = await createDatabase()
  const triggers = createTriggersClient({ connectionString: database.url })
  const failures: unknown[] = []
  const latencies: number[] = []
  const bus = createBus({ logger: silentLogger })
  onTestFinished(() => bus.stop())
  bus.on('bus:listener-failed', (fact) => failures.push(fact))
  bus.on('worker:job-retried', (fact) => failures.push(fact))
  const handlers = {
    jobs: ({ payload }: { payload: unknown }) => {
      const { sentAt } = payload as { sentAt?: number }
      if (sentAt !== undefined) latencies.push(Date.now() - sentAt)
    },
  }
  await bus.use(queue({ connectionString: database.url }))
  await bus.request('queue:create', { queue: 'jobs' })
  // Its polls, with a path that is proven and without, come too late to be taken for a wake-up.
  await bus.use(worker({ handlers, pollIntervalMs: aMinuteMs, safetyPollIntervalMs: aMinuteMs }))
  const healthy = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy', 20_000)
  await bus.use(realtime({ listen: database.url }))
  await healthy

  const first = produce(database)
  await pause(500)
  await triggers.install({ queues: ['jobs'] })
  await pause(500)
  expect(await first.stop()).toBeGreaterThan(20)
  await allDone(database)

  for (let round = 0; round < 10; round++) {
    // Once all is done the worker sleeps.
    await allDone(database)
    await pause(100 + 20 * round)
    await database.query(`select pgmq.send('jobs', jsonb_build_object('sentAt', $1::bigint))`, [Date.now()])
  }
  await expect.poll(() => latencies.length, { timeout: 20_000 }).toBe(10)
  expect(latencies.toSorted((a, b) => a - b)[5]).toBeLessThan(500)

  // Without the triggers somebody has to poll.
  const polling = createBus({ logger: silentLogger })
  onTestFinished(() => polling.stop())
  polling.on('bus:listener-failed', (fact) => failures.push(fact))
  polling.on('worker:job-retried', (fact) => failures.push(fact))
  await polling.use(queue({ connectionString: database.url }))
  await polling.use(worker({ handlers }))

  const second = produce(database)
  await pause(500)
  await triggers.remove({ queues: ['jobs'] })
  await pause(500)
  expect(await second.stop()).toBeGreaterThan(20)
  await allDone(database)
  expect(failures).toEqual([])
  expect((await triggers.list({ queues: ['jobs'] })).triggers).toMatchObject([{ installed: false }])
})

/** Every message that was sent has been worked and archived, once. */
async function allDone(database: TestDatabase): Promise<void> {
  const left = async () => (await database.query('select from pgmq.q_jobs')).rows.length
  await expect.poll(left, { timeout: 45_000, interval: 50 }).toBe(0)
  const { rows } = await database.query(
    `select count(*)::int - count(distinct msg_id)::int as twice from pgmq.a_jobs`,
  )
  expect(rows).toEqual([{ twice: 0 }])
}

it('a worker without the listener’s part still finds every job of a queue with the trigger, by polling', async () => {
  await using database = await createDatabase()
  const bus = createBus({ logger: silentLogger })
  onTestFinished(() => bus.stop())
  await bus.use(queue({ connectionString: database.url }))
  await bus.request('queue:create', { queue: 'jobs' })
  await createTriggersClient({ connectionString: database.url }).install()
  await bus.use(worker({ handlers: { jobs: () => {} } }))
  const completed = nextFact(bus, 'worker:job-completed')
  await database.query(`select pgmq.send('jobs', '{}')`)
  expect(await completed).toMatchObject({ queue: 'jobs' })
})

it('a listener of ours hears the trigger of the version before, and the new one after its repair', async () => {
  await using database = await createDatabase()
  await database.query(`
    select pgmq.create('jobs');
    create schema aimq;
    create function aimq.notify_job_enqueued() returns trigger language plpgsql security definer set search_path = '' as $$
    begin perform pg_notify(TG_ARGV[0], '{"queue":"' || TG_ARGV[1] || '"}'); return null; end $$;
    comment on function aimq.notify_job_enqueued() is 'AIMQ trigger function, version 0: earlier';
    create trigger aimq_notify_jobs after insert on pgmq.q_jobs for each statement
      execute function aimq.notify_job_enqueued('aimq:jobs', 'jobs')`)
  const bus = createBus({ logger: silentLogger })
  onTestFinished(() => bus.stop())
  const healthy = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy', 20_000)
  await bus.use(realtime({ listen: database.url }))
  await healthy
  const old = nextFact(bus, 'job:enqueued')
  await database.query(`select pgmq.send('jobs', '{}')`)
  expect(await old).toMatchObject({ queue: 'jobs', source: 'listen' })

  const triggers = createTriggersClient({ connectionString: database.url })
  expect((await triggers.list()).triggers).toMatchObject([{ installed: true, version: 0 }])
  await triggers.repair()
  expect((await triggers.list()).triggers).toMatchObject([{ installed: true, version: 1, findings: [] }])
  await expect
    .poll(async () => (await database.query('select from aimq.listener')).rows.length, { timeout: 20_000 })
    .toBe(1)
  const fresh = nextFact(bus, 'job:enqueued', ({ count }) => count === 2, 20_000)
  await database.query(`select pgmq.send_batch('jobs', array['{}', '{}']::jsonb[])`)
  expect(await fresh).toMatchObject({ queue: 'jobs', source: 'listen' })
})
