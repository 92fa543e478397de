import { nextFact, recordFacts } from '@aimq/events/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../integration/harness/database.ts'
import { startPostgresServer } from '../../harness/postgres-server.ts'
import { keepingLogger, startWorkerBus } from '../../harness/worker-bus.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const count = async (table: string) =>
  Number((await database.query(`select count(*) from pgmq.${table}`)).rows[0].count)

describe('the database', () => {
  it('row 29: has no connection left in the pool of the handlers: leases are renewed all the same', async () => {
    // As short as a busy machine renews in time.
    const leaseMs = 3000
    const own = new pg.Pool({ connectionString: database.url, max: 1 })
    const hold = await own.connect()
    const bus = await startWorkerBus({
      url: database.url,
      defaults: { leaseMs },
      handlers: { hungry: () => own.query('select 1') },
    })
    const lost = recordFacts(bus, 'worker:lease-lost')
    const started = nextFact(bus, 'worker:job-started')
    await database.query(`select pgmq.send('hungry', '1') from generate_series(1, 10)`)
    await started
    await pause(3.5 * leaseMs)
    hold.release()
    await bus.request('worker:drain', {})
    expect(lost).toEqual([])
    expect(await count('a_hungry')).toBe(10)
    await own.end()
  })

  it('row 30: has no connection left, and then shuts down: the worker waits, and goes on by itself', async () => {
    await using server = await startPostgresServer({
      max_connections: '8',
      superuser_reserved_connections: '0',
    })
    const bus = await startWorkerBus({ url: server.url, handlers: { crowded: () => {} } })
    await nextFact(bus, 'worker:queue-idled')
    const others: pg.Client[] = []
    let crowded = false
    const paused = nextFact(bus, 'worker:queue-paused', () => true, 20_000).finally(() => {
      crowded = true
    })
    // Every connection there is, and again the worker's own, until it finds none.
    while (!crowded) {
      const client = new pg.Client({ connectionString: server.url })
      client.on('error', () => {})
      if (
        await client.connect().then(
          () => true,
          () => false,
        )
      )
        others.push(client)
      else
        await others[0]?.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aimq'`,
        )
    }
    expect((await paused).message).toMatch(/cannot serve|nobody usable|broke/)
    const resumed = nextFact(bus, 'worker:queue-resumed', () => true, 20_000)
    await Promise.all(others.map((client) => client.end()))
    await resumed
    const again = nextFact(bus, 'worker:queue-paused', () => true, 20_000)
    await server.stop('fast')
    await again
    const completed = nextFact(bus, 'worker:job-completed', () => true, 20_000)
    await server.start()
    await server.query(`select pgmq.send('crowded', '1')`)
    await completed
  })

  it('row 32: has no room to settle: the worker tries on, and runs the job once', async () => {
    let runs = 0
    const bus = await startWorkerBus({ url: database.url, handlers: { full: () => void runs++ } })
    await database.query(`
      create function public.no_room() returns trigger language plpgsql as
        $$ begin raise exception 'no space left on device' using errcode = '53100'; end $$;
      create trigger no_room before delete on pgmq.q_full for each row execute function public.no_room()`)
    const paused = nextFact(bus, 'worker:queue-paused')
    await database.query(`select pgmq.send('full', '1')`)
    await paused
    await pause(1000)
    const completed = nextFact(bus, 'worker:job-completed')
    await database.query('drop trigger no_room on pgmq.q_full')
    await completed
    expect(runs).toBe(1)
    expect(await count('a_full')).toBe(1)
  })

  it.each([
    ['lock_timeout', 1000, /in the way.*lock timeout/],
    ['statement_timeout', 2000, /gave up.*statement timeout/],
  ])(
    'row 33: gives up on statements by its own %s: tried again, and the job runs once',
    async (timeout, afterMs, message) => {
      let runs = 0
      // Made without the timeout: DDL on a busy disk may take longer.
      await database.query(`select pgmq.create('${timeout}')`)
      const url = new URL(database.url)
      url.searchParams.set('options', `-c ${timeout}=${afterMs}`)
      const bus = await startWorkerBus({ url: url.href, handlers: { [timeout]: () => void runs++ } })
      await nextFact(bus, 'worker:queue-idled')
      const blocker = new pg.Client({ connectionString: database.url })
      await blocker.connect()
      await blocker.query(`begin; lock table pgmq.a_${timeout} in access exclusive mode`)
      const paused = nextFact(bus, 'worker:queue-paused')
      await database.query(`select pgmq.send('${timeout}', '1')`)
      expect((await paused).message).toMatch(message)
      const completed = nextFact(bus, 'worker:job-completed')
      await blocker.query('rollback')
      await blocker.end()
      await completed
      expect(runs).toBe(1)
      expect(await count(`a_${timeout}`)).toBe(1)
    },
  )
})

describe('a queue', () => {
  it('row 34: that is dropped while it is worked is waited for, the others worked on; each change is said once', async () => {
    const logger = keepingLogger()
    const hold = Promise.withResolvers<void>()
    const bus = await startWorkerBus({
      url: database.url,
      logger,
      handlers: {
        dropped: ({ payload }) => (payload === 'held' ? hold.promise : undefined),
        staying: () => {},
      },
    })
    const resumes = recordFacts(bus, 'worker:queue-resumed')
    const started = nextFact(bus, 'worker:job-started')
    await database.query(`select pgmq.send('dropped', '"held"')`)
    await started
    const paused = nextFact(bus, 'worker:queue-paused')
    await database.query(`select pgmq.drop_queue('dropped')`)
    await paused
    hold.resolve()
    const other = nextFact(bus, 'worker:job-completed', ({ queue }) => queue === 'staying')
    await database.query(`select pgmq.send('staying', '1')`)
    await other
    await pause(8000)
    const warnings = () => logger.lines.filter((line) => line.includes('"dropped"'))
    expect(warnings()).toHaveLength(1)
    const resumed = nextFact(bus, 'worker:queue-resumed', () => true, 30_000)
    await database.query(`select pgmq.create('dropped')`)
    await resumed
    const completed = nextFact(bus, 'worker:job-completed', ({ queue }) => queue === 'dropped')
    await database.query(`select pgmq.send('dropped', '"new"')`)
    await completed
    expect(resumes).toHaveLength(1)
    expect(warnings()).toHaveLength(1)
  }, 90_000)

  it('row 36: that is purged while a job of it runs: the job ends, nothing is tried for ever', async () => {
    const logger = keepingLogger()
    const hold = Promise.withResolvers<void>()
    const bus = await startWorkerBus({
      url: database.url,
      logger,
      handlers: { purged: ({ payload }) => (payload === 'held' ? hold.promise : undefined) },
    })
    const started = nextFact(bus, 'worker:job-started')
    await database.query(`select pgmq.send('purged', '"held"')`)
    await started
    await database.query(`select pgmq.purge_queue('purged')`)
    const lost = nextFact(bus, 'worker:lease-lost')
    hold.resolve()
    await lost
    let settles = 0
    const request = bus.request.bind(bus)
    bus.request = (name, input, options) => {
      if (name === 'queue:settle') settles++
      return request(name, input, options)
    }
    await pause(2000)
    expect(settles).toBe(0)
    expect(logger.lines).toEqual([])
    const completed = nextFact(bus, 'worker:job-completed')
    await database.query(`select pgmq.send('purged', '"next"')`)
    await completed
  })
})
