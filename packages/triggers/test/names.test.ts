import fc from 'fast-check'
import type { Pool } from 'pg'
import { expect, it } from 'vitest'
import { createTriggersClient, triggers } from '../src/index.ts'
import { failureOf } from './database.ts'

/** A pool that counts, and gives no connection. */
function countingPool() {
  const count = { connections: 0 }
  const pool = {
    connect: async () => {
      count.connections++
      throw new Error('no connection in this test')
    },
  } as unknown as Pool
  return { pool, count }
}

const attacks = [
  `emails'; drop table pgmq.meta; --`,
  'emails"; drop schema pgmq cascade; --',
  'a;b',
  'a"b',
  "a'b",
  'a\\b',
  '$function$',
  'q\u0000',
  '../x',
  '',
  'MyQ',
  'é'.repeat(47),
  'x'.repeat(48),
  '{1}${',
  '%s',
]
const badName = fc.oneof(
  fc.constantFrom(...attacks),
  fc.string({ unit: 'grapheme' }).filter((name) => !/^[a-z][a-z0-9_]{0,46}$/.test(name)),
)
const badChannel = fc.oneof(
  fc.constantFrom(...attacks.filter((text) => !/^(MyQ|x+)$/.test(text)), ' ', 'x'.repeat(64)),
  fc.string({ unit: 'grapheme' }).filter((name) => !/^[A-Za-z0-9_][A-Za-z0-9_:.-]{0,62}$/.test(name)),
)
const anything = fc.anything({ withBigInt: true, withNullPrototype: true })

it('refuses every name that is none before any SQL', async () => {
  const { pool, count } = countingPool()
  const client = createTriggersClient({ pool })
  await fc.assert(
    fc.asyncProperty(badName, async (name) => {
      const queues = ['emails', name]
      for (const call of [
        client.install,
        client.plan,
        client.remove,
        client.list,
        client.repair,
        client.migration,
      ]) {
        expect(await failureOf(call({ queues }))).toMatchObject({ code: 'triggers/invalid-options' })
      }
      expect(() => triggers({ pool, queues })).toThrow('queue name')
    }),
    { numRuns: 300 },
  )
  expect(count.connections).toBe(0)
})

it('refuses every channel that could be anything but a name before any SQL', async () => {
  const { pool, count } = countingPool()
  const client = createTriggersClient({ pool })
  await fc.assert(
    fc.asyncProperty(badChannel, async (channel) => {
      for (const call of [client.install, client.plan, client.migration]) {
        expect(await failureOf(call({ queues: ['emails'], channel }))).toMatchObject({
          code: 'triggers/invalid-options',
        })
      }
      expect(() => triggers({ pool, channel })).toThrow('channel')
    }),
    { numRuns: 300 },
  )
  expect(count.connections).toBe(0)
})

it('refuses a policy that would come with no triggers, and says with what it comes', () => {
  const { pool } = countingPool()
  expect(() => triggers({ pool, policy: true })).toThrow('expected queues beside policy: true')
  expect(() => triggers({ pool, policy: true, queues: [] })).toThrow('expected queues beside policy: true')
})

it('refuses every option of another type before any SQL', async () => {
  const { pool, count } = countingPool()
  const client = createTriggersClient({ pool })
  const fits: Record<string, (value: unknown) => boolean> = {
    queues: (value) => value === undefined || Array.isArray(value),
    paths: (value) => value === undefined || Array.isArray(value),
    channel: (value) => value === undefined || typeof value === 'string',
    private: (value) => value === undefined || typeof value === 'boolean',
    always: (value) => value === undefined || typeof value === 'boolean',
    throttleMs: (value) =>
      value === undefined || (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 4800),
    replaceForeign: (value) => value === undefined || typeof value === 'boolean',
    policy: (value) => value === undefined || typeof value === 'boolean',
    quees: () => false,
  }
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(fits)), anything, async (name, value) => {
      fc.pre(fits[name]?.(value) === false)
      expect(await failureOf(client.install({ queues: ['emails'], [name]: value }))).toMatchObject({
        code: 'triggers/invalid-options',
      })
    }),
    { numRuns: 500 },
  )
  expect(count.connections).toBe(0)
})

it('says all that is wrong at once, and which database is missing', async () => {
  const { pool } = countingPool()
  const client = createTriggersClient({ pool })
  const { message } = await failureOf(
    client.install({ queues: ['Bad'], chanel: 'x', throttleMs: -1 } as never),
  )
  expect(message).toMatch(/queues\.0.*expected a queue name/)
  expect(message).toMatch(/did you mean "channel"/)
  expect(message).toMatch(/throttleMs.*0 to 4800/)
  expect(() => createTriggersClient({})).toThrow('exactly one of connectionString, pool and client, got none')
  expect(() => createTriggersClient({ connectionString: 'mysql://x', pool })).toThrow(/postgres:\/\//)
})

it('never lets a text into a migration that closes a quotation', async () => {
  const client = createTriggersClient({ connectionString: 'postgres://localhost/app' })
  const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,46}$/)
  const channel = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_:.-]{0,62}$/)
  await fc.assert(
    fc.asyncProperty(name, channel, async (queue, where) => {
      const { sql } = await client.migration({ queues: [queue], channel: where })
      expect(sql.split('$aimq$')).toHaveLength(3)
      expect(sql.match(/\$function\$/g)?.length).toBe(6)
    }),
    { numRuns: 100 },
  )
})
