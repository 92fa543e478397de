import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nextFact } from '@aimq/events/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../integration/harness/database.ts'
import { eventually } from '../../harness/eventually.ts'
import { ledgerNow, readLedger } from '../../harness/ledger.ts'
import { keepingLogger, startWorkerBus } from '../../harness/worker-bus.ts'
import { startWorkerProcess } from '../../harness/worker-process.ts'

let database: TestDatabase
let folder: string
beforeAll(async () => {
  database = await createDatabase()
  folder = await mkdtemp(join(tmpdir(), 'aimq-faults-'))
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

it.each([
  ['is an hour slow', 'slow_clock', { clockSkewMs: -3_600_000 }],
  ['is an hour fast', 'fast_clock', { clockSkewMs: 3_600_000 }],
  ['jumps by two hours all the time', 'mad_clock', { clockSkewMs: 3_600_000, clockJumpEveryMs: 700 }],
])(
  'row 41: a clock that %s starts no job early or late, renews leases and reports waits as they were',
  async (_what, queue, clock) => {
    const ledger = join(folder, queue)
    await writeFile(ledger, '')
    await database.query(`select pgmq.create('${queue}')`)
    await using worker = await startWorkerProcess({
      url: database.url,
      queue,
      ledger,
      ...clock,
      leaseMs: 3000,
      realtime: { listen: database.url },
    })
    await eventually(async () => (await worker.health()).wakeupsProven, 'wake-ups are proven')
    const sentAt = ledgerNow()
    const hint = `pg_notify('aimq:jobs', '{"queue":"${queue}","due_in_ms":2000}')`
    await database.query(`select pgmq.send('${queue}', '{"key":"delayed","ms":10500}', 2), ${hint}`)
    await eventually(
      () => readLedger(ledger).some(({ what }) => what === 'done'),
      'the delayed job is done',
      25_000,
    )
    const [start, ...others] = readLedger(ledger).filter(({ what }) => what === 'start')
    expect(others).toEqual([])
    expect((start?.at ?? 0) - sentAt).toBeGreaterThan(1950)
    expect((start?.at ?? 0) - sentAt).toBeLessThan(2600)
    expect(start?.waitedMs).toBeLessThan(600)
  },
)

it('row 42: jobs due in a century, or never, or since ever, cause neither hot loop nor error', async () => {
  const logger = keepingLogger()
  const bus = await startWorkerBus({ url: database.url, handlers: { far: () => {} }, logger })
  await nextFact(bus, 'worker:queue-idled')
  const insert = (vt: string) => database.query(`insert into pgmq.q_far (vt, message) values (${vt}, '1')`)
  await insert(`'infinity'`)
  await insert(`now() + interval '25 days'`)
  await bus.request('queue:send', { queue: 'far', messages: [{ payload: 2, delayMs: 36_500 * 86_400_000 }] })
  const { queues } = await bus.request('worker:status', {})
  await new Promise((resolve) => setTimeout(resolve, 4000))
  const after = await bus.request('worker:status', {})
  expect((after.queues[0]?.reads ?? 0) - (queues[0]?.reads ?? 0)).toBeLessThanOrEqual(9)
  const completed = nextFact(bus, 'worker:job-completed')
  await insert(`'-infinity'`)
  await completed
  expect(logger.lines).toEqual([])
})
