/* What other programs may have written into the queues: everything that is decoded from outside, fuzzed in the database. */
import { messageHeader } from '@aimq/events'
import { createQueueClient, isQueueError } from '@aimq/queue'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../integration/harness/database.ts'
import { eventually } from '../harness/eventually.ts'
import { keepingLogger, startWorkerBus } from '../harness/worker-bus.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const json = fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 4 })
const storable = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/\\u0000|\\ud[89a-f][0-9a-f]{2}/gi, '?')
const count = async (table: string) =>
  Number((await database.query(`select count(*) from pgmq.${table}`)).rows[0].count)

it(`messages with any payload and any headers are worked, each of them (SEED=${seed})`, async () => {
  const ours = fc.dictionary(fc.constantFrom(...Object.values(messageHeader), 'x-aimq-envelope'), json)
  const headers = fc.oneof(
    json,
    ours,
    fc.record({ ...Object.fromEntries([[messageHeader.failures, fc.integer()]]) }),
  )
  const envelope = fc.record({ aimq: fc.oneof(ours, json), payload: json }, { requiredKeys: ['aimq'] })
  const samples = fc.sample(fc.tuple(fc.oneof(json, envelope), fc.option(headers)), { numRuns: 1500, seed })
  const logger = keepingLogger()
  const bus = await startWorkerBus({
    url: database.url,
    logger,
    handlers: { strange: () => {} },
    defaults: { maxAttempts: 3 },
  })
  await database.query(
    `insert into pgmq.q_strange (vt, message, headers)
     select now(), message::jsonb, headers::jsonb from unnest($1::text[], $2::text[]) as given(message, headers)`,
    [
      samples.map(([payload]) => storable(payload)),
      samples.map(([, given]) => (given === null ? null : storable(given))),
    ],
  )
  await database.query(`insert into pgmq.q_strange (vt, message) values (now(), null)`)
  await eventually(async () => (await count('q_strange')) === 0, 'every message is worked', 30_000)
  const dead = await database.query(`select to_regclass('pgmq.q_strange_dlq') is not null as made`)
  const letters = dead.rows[0].made ? await count('q_strange_dlq') : 0
  expect((await count('a_strange')) + letters).toBe(samples.length + 1)
  expect(logger.lines).toEqual([])
  await bus.stop()
})

it(`dead letters with any headers are sent back, or refused with what to do (SEED=${seed})`, async () => {
  await using client = createQueueClient({ connectionString: database.url })
  await client.create('letters_dlq')
  await client.create('letters')
  const origin = fc.record(
    {
      queue: fc.oneof(fc.constantFrom('letters', 'nowhere', 'a"; drop table pgmq.meta; --', 'Letters'), json),
      id: fc.oneof(fc.constantFrom('1', '-1', '9'.repeat(40)), json),
      readCount: json,
      enqueuedAt: fc.oneof(json, fc.constantFrom(1e300, 'infinity')),
      deadLetteredAt: json,
      reason: json,
      error: json,
    },
    { requiredKeys: [] },
  )
  const headers = fc.oneof(
    json,
    fc.record({ 'x-aimq-dead-letter': fc.oneof(origin, json), [messageHeader.failures]: json }),
  )
  const samples = fc.sample(fc.tuple(json, fc.option(headers)), { numRuns: 300, seed })
  let moved = 0
  for (const [payload, given] of samples) {
    await database.query(
      'insert into pgmq.q_letters_dlq (vt, message, headers) values (now(), $1::jsonb, $2::jsonb)',
      [storable(payload), given === null ? null : storable(given)],
    )
    try {
      await client.peek('letters_dlq')
      await client.redrive('letters_dlq')
    } catch (thrown) {
      if (!isQueueError(thrown)) throw thrown
      expect(['queue/invalid-input', 'queue/not-found']).toContain(thrown.code)
    }
    // With a target nothing of what stands there matters.
    await client.redrive('letters_dlq', { to: 'letters' })
    moved++
    expect(await count('q_letters_dlq')).toBe(0)
  }
  expect(await count('q_letters')).toBe(moved)
})
