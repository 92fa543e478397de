import { nextFact, recordFacts } from '@aimq/events/testing'
import { createQueueClient } from '@aimq/queue'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ledgerNow } from '../../harness/ledger.ts'
import { type PostgresServer, startPostgresServer } from '../../harness/postgres-server.ts'
import { readMark, statementMarks } from '../../harness/statements.ts'
import { startTcpProxy, type TcpProxy } from '../../harness/tcp-proxy.ts'
import { keepingLogger, startWorkerBus } from '../../harness/worker-bus.ts'

let server: PostgresServer
let proxy: TcpProxy
beforeAll(async () => {
  server = await startPostgresServer()
  proxy = await startTcpProxy(server.url)
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(() => proxy.heal())

const count = async (table: string) =>
  Number((await server.query(`select count(*) from pgmq.${table}`)).rows[0].count)

describe('PostgreSQL crashes', () => {
  it('row 03: in the middle of sends: each is there, or refused, or its outcome unknown; with a key at most once', async () => {
    await using client = createQueueClient({ connectionString: server.url, queryTimeoutMs: 5000 })
    await client.create('sends')
    await client.install()
    const told: Record<'sent' | 'unknown' | 'refused', number[]> = { sent: [], unknown: [], refused: [] }
    let next = 0
    const until = ledgerNow() + 4000
    const produce = async (keyed: boolean) => {
      while (ledgerNow() < until) {
        const n = next++
        await client.send('sends', n, keyed ? { idempotencyKey: String(n) } : {}).then(
          () => told.sent.push(n),
          (thrown) => (thrown.code === 'queue/outcome-unknown' ? told.unknown : told.refused).push(n),
        )
      }
    }
    const producers = [produce(true), produce(false), produce(true), produce(false)]
    for (let crash = 0; crash < 3; crash++) {
      await new Promise((resolve) => setTimeout(resolve, 400))
      await server.crash()
    }
    await Promise.all(producers)
    const { rows } = await server.query(
      'select message::int as n, count(*)::int as copies from pgmq.q_sends group by 1',
    )
    const there = new Map(rows.map(({ n, copies }) => [n, copies]))
    expect(told.sent.length).toBeGreaterThan(50)
    expect(told.sent.filter((n) => !there.has(n))).toEqual([])
    expect(told.refused.filter((n) => there.has(n))).toEqual([])
    expect(rows.filter(({ copies }) => copies > 1)).toEqual([])
  })

  it('row 04: after a read, before its answer: the job is worked within one lease and a second', async () => {
    const leaseMs = 2000
    const started: number[] = []
    const bus = await startWorkerBus({
      url: proxy.url,
      handlers: { reads: () => void started.push(performance.now()) },
      defaults: { leaseMs },
    })
    await nextFact(bus, 'worker:queue-idled')
    // The read whose answer is lost is one that takes the job.
    await bus.request('worker:pause', {})
    await server.query(`select pgmq.send('reads', '1')`)
    const lost = nextFact(bus, 'worker:queue-paused', ({ cause }) => cause !== 'requested')
    const completed = nextFact(bus, 'worker:job-completed')
    void proxy.dropReply(readMark)
    const armedAt = performance.now()
    await bus.request('worker:resume', {})
    await lost
    await completed
    expect(started).toHaveLength(1)
    expect((started[0] ?? 0) - armedAt).toBeLessThan(leaseMs + 1000)
    expect((await server.query('select read_ct from pgmq.a_reads')).rows).toEqual([{ read_ct: 2 }])
  })

  it('row 05: after a settlement, before its answer: it is sent again, and the job not run again', async () => {
    let runs = 0
    const bus = await startWorkerBus({ url: proxy.url, handlers: { acks: () => void runs++ } })
    await nextFact(bus, 'worker:queue-idled')
    const facts = recordFacts(bus, 'worker:lease-lost')
    void proxy.dropReply(statementMarks.settle)
    const paused = nextFact(bus, 'worker:queue-paused')
    const completed = nextFact(bus, 'worker:job-completed')
    await server.query(`select pgmq.send('acks', '1')`)
    await paused
    await completed
    expect(runs).toBe(1)
    expect(facts).toEqual([])
    expect(await count('a_acks')).toBe(1)
  })

  it('row 06: and is down for 12 s: the worker tries on in peace, and starts the first job within 6 s of its return', async () => {
    const logger = keepingLogger()
    const bus = await startWorkerBus({ url: server.url, handlers: { down: () => {} }, logger })
    await nextFact(bus, 'worker:queue-idled')
    await server.query(`select pgmq.send('down', '1', 1)`)
    await server.stop('immediate')
    await new Promise((resolve) => setTimeout(resolve, 12_000))
    const completed = nextFact(bus, 'worker:job-completed', () => true, 20_000)
    await server.start()
    const backAt = performance.now()
    await completed
    expect(performance.now() - backAt).toBeLessThan(6000)
    expect(logger.lines.length).toBeLessThanOrEqual(3)
  }, 90_000)
})

it('row 07: a query on a connection that is only half there ends at its deadline, and the worker goes on', async () => {
  const queryTimeoutMs = 1000
  const bus = await startWorkerBus({
    url: proxy.url,
    queueClient: { queryTimeoutMs },
    handlers: { half: () => {} },
  })
  await nextFact(bus, 'worker:queue-idled')
  const paused = nextFact(bus, 'worker:queue-paused')
  const before = performance.now()
  proxy.blackHole()
  await paused
  // A poll interval may pass before the next query.
  expect(performance.now() - before).toBeLessThan(1100 + queryTimeoutMs + 500)
  const completed = nextFact(bus, 'worker:job-completed')
  await server.query(`select pgmq.send('half', '1')`)
  await completed
})
