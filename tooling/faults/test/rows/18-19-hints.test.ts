import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nextFact } from '@aimq/events/testing'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../integration/harness/database.ts'
import { eventually } from '../../harness/eventually.ts'
import { readLedger } from '../../harness/ledger.ts'
import { startWorkerBus } from '../../harness/worker-bus.ts'
import { startWorkerProcess } from '../../harness/worker-process.ts'

let database: TestDatabase
let forger: pg.Client
let folder: string
beforeAll(async () => {
  database = await createDatabase()
  forger = new pg.Client({ connectionString: database.url })
  await forger.connect()
  folder = await mkdtemp(join(tmpdir(), 'aimq-faults-'))
})
afterAll(async () => {
  await forger.end()
  await database[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

it(`row 18: ten thousand payloads of all kinds neither throw nor cost more than a few looks (SEED=${seed})`, async () => {
  const bus = await startWorkerBus({
    url: database.url,
    handlers: { fuzzed: () => {} },
    pollIntervalMs: 3_600_000,
    safetyPollIntervalMs: 3_600_000,
    realtime: { listen: database.url },
  })
  const nearlyHint = fc.record(
    {
      event: fc.oneof(fc.constantFrom('job_enqueued', 'canary'), fc.string()),
      queue: fc.oneof(
        fc.constantFrom('fuzzed', 'Fuzzed', '', '__proto__', 'nobody'),
        fc.string(),
        fc.anything(),
      ),
      count: fc.oneof(fc.integer(), fc.double(), fc.anything()),
      due_in_ms: fc.oneof(fc.integer(), fc.double(), fc.anything()),
      again_in_ms: fc.oneof(fc.integer(), fc.double(), fc.anything()),
      id: fc.anything(),
      v: fc.anything(),
    },
    { requiredKeys: [] },
  )
  const payloads = fc
    .sample(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.json(),
        fc.constantFrom('', 'null', '[]', '{', '"', '[['.repeat(3000), 'x'.repeat(7999)),
        nearlyHint.map((value) =>
          JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? '1' : item)),
        ),
      ),
      { numRuns: 10_000, seed },
    )
    .map((text) => String(text).replaceAll('\0', '').toWellFormed())
    .filter((text) => Buffer.byteLength(text) < 8000)
  const before = await bus.request('worker:status', {})
  const startedAt = performance.now()
  for (let n = 0; n < payloads.length; n += 500) {
    await forger.query(`select count(pg_notify('aimq:jobs', payload)) from unnest($1::text[]) as payload`, [
      payloads.slice(n, n + 500),
    ])
  }
  const seconds = (performance.now() - startedAt) / 1000
  const after = await bus.request('worker:status', {})
  const reads = (after.queues[0]?.reads ?? 0) - (before.queues[0]?.reads ?? 0)
  expect(reads).toBeLessThanOrEqual(40 * seconds + 5)
  expect((await bus.request('realtime:status', {})).ignored).toBeGreaterThan(1000)
  expect((await bus.request('realtime:status', {})).health).toBe('healthy')
  const completed = nextFact(bus, 'worker:job-completed')
  await database.query(`select pgmq.send('fuzzed', '1'), pg_notify('aimq:jobs', '{"queue":"fuzzed"}')`)
  await completed
})

it('row 19: a storm of wake-ups costs little: event loop, memory and looks stay small, and jobs flow', async () => {
  const ledger = join(folder, 'storm')
  await writeFile(ledger, '')
  await database.query(`select pgmq.create('storm')`)
  await using worker = await startWorkerProcess({
    url: database.url,
    queue: 'storm',
    ledger,
    realtime: { listen: database.url },
  })
  await eventually(async () => (await worker.health()).wakeupsProven, 'wake-ups are proven')
  let storming = true
  let hints = 0
  const storm = (async () => {
    while (storming) {
      await forger.query(
        `select count(pg_notify('aimq:jobs', '{"queue":"storm","count":' || n || '}')) from generate_series(1, 1000) as n`,
      )
      hints += 1000
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  onTestFinished(async () => {
    storming = false
    await storm
  })
  await new Promise((resolve) => setTimeout(resolve, 3000))
  const before = await worker.health()
  const hintsBefore = hints
  const seconds = 6
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const idle = await worker.health()
  expect((hints - hintsBefore) / seconds).toBeGreaterThan(1000)
  // While there is nothing to do, and then while there is.
  expect((idle.statements - before.statements) / seconds).toBeLessThanOrEqual(1)
  const sentFrom = performance.now()
  const jobs = 100
  for (let n = 0; n < jobs; n++) await database.query(`select pgmq.send('storm', '{}')`)
  const done = () => readLedger(ledger).filter(({ what }) => what === 'done').length
  await eventually(() => done() === jobs, 'the jobs are done', 10_000)
  const after = await worker.health()
  const flowSeconds = (performance.now() - sentFrom) / 1000
  // Forty looks a second may find nothing, and three more for each that found a job.
  expect(after.statements - idle.statements).toBeLessThanOrEqual(40 * flowSeconds + 4 * jobs)
  expect(Math.max(idle.loopDelayMs, after.loopDelayMs)).toBeLessThan(50)
  expect((idle.cpuMs - before.cpuMs) / seconds / 1000).toBeLessThan(0.6)
  expect(after.heapBytes - before.heapBytes).toBeLessThan(20e6)
})
