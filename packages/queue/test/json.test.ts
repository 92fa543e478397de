import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createQueueClient, isQueueError, type QueueClient } from '../src/index.ts'
import { createDatabase, failureOf, type TestDatabase } from './database.ts'

let database: TestDatabase
let client: QueueClient
let queries = 0

beforeAll(async () => {
  database = await createDatabase()
  client = createQueueClient({
    client: {
      query: (text, values) => {
        queries += 1
        return database.pool.query(text, values)
      },
    },
  })
  await client.create('json')
})

afterAll(async () => {
  await client.close()
  await database[Symbol.asyncDispose]()
})

async function roundTrip(payload: unknown, headers?: Record<string, unknown>): Promise<unknown[]> {
  const id = await client.send('json', payload, headers === undefined ? {} : { headers })
  const [message] = await client.peek('json', { afterId: String(BigInt(id) - 1n), limit: 1 })
  return headers === undefined ? [message?.payload] : [message?.payload, message?.headers]
}

/** JSON has one zero. */
function withoutNegativeZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (Array.isArray(value)) return value.map(withoutNegativeZero)
  if (typeof value !== 'object' || value === null) return value
  // By definition rather than assignment: `__proto__` is a key like any other.
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutNegativeZero(item)]))
}

class Point {
  x = 1
}

const cyclic: Record<string, unknown> = {}
cyclic.self = { back: cyclic }
let deep: unknown = 1
for (let level = 0; level < 201; level++) deep = [deep]
let bushy: unknown = 1
for (let level = 0; level < 100; level++) bushy = [bushy, bushy]

describe('a payload', () => {
  it('is refused before any SQL, or comes back deeply equal', async () => {
    let refused = 0
    let returned = 0
    const values = fc.oneof(
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withNullPrototype: true,
        withSparseArray: true,
        withTypedArray: true,
      }),
      fc.jsonValue({ stringUnit: 'binary' }),
      fc.double(),
      fc.maxSafeInteger(),
      fc.dictionary(fc.string({ unit: 'binary' }), fc.oneof(fc.double(), fc.string({ unit: 'grapheme' }))),
    )
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const before = queries
        try {
          const [back] = await roundTrip(value)
          returned += 1
          expect(back).toEqual(withoutNegativeZero(value))
        } catch (thrown) {
          if (!isQueueError(thrown)) throw thrown
          refused += 1
          expect(thrown.code).toBe('queue/invalid-payload')
          expect(queries).toBe(before)
        }
      }),
      { numRuns: 1500 },
    )
    expect(refused).toBeGreaterThan(50)
    expect(returned).toBeGreaterThan(500)
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['an empty string', ''],
    ['a key called __proto__', JSON.parse('{"__proto__": {"admin": true}, "constructor": 1}')],
    [
      'the limits of numbers',
      [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 5e-324, 1.7976931348623157e308],
    ],
    ['whole numbers beyond exactness', [1e21, 1e23, -1e22, 2 ** 53, 2 ** 64, 123456789012345680000]],
    ['long digits in text', { id: '12345678901234567890', 12345678901234567890: '0x' }],
    ['no prototype', Object.assign(Object.create(null), { a: 1 })],
    ['surrogate pairs and controls', '😀\u0001\u001f\u2028"\\'],
    ['what looks like an envelope', { aimq: { 'x-aimq-envelope': 1, x: 1 }, payload: 2, more: 3 }],
    ['what looks a little like an envelope', { aimq: { x: 1 }, payload: 2 }],
  ])('comes back as it was: %s', async (_, value) => {
    expect(await roundTrip(value)).toEqual([value])
  })

  it('loses properties that are undefined, and nothing else', async () => {
    const [back] = await roundTrip({ a: undefined, b: 1 })
    expect(Object.keys(back as object)).toEqual(['b'])
  })

  it('arrives with integers that no number can hold as text of their digits', async () => {
    await database.query(
      `insert into pgmq.q_json (vt, message) values (now(), '{"id": 12345678901234567890, "neg": -9007199254740993, "in": [9007199254740993, 9007199254740992, 0.1234567890123456789]}')`,
    )
    const { messages } = await client.read('json', { count: 10_000, leaseMs: 1000 })
    expect(messages.at(-1)?.payload).toEqual({
      id: '12345678901234567890',
      neg: '-9007199254740993',
      in: ['9007199254740993', 9007199254740992, 0.12345678901234568],
    })
  })

  it('of another program may nest as deep as the database lets it, long numbers and all', async () => {
    // One message that cannot be decoded would fail every read of its queue, and so block it for ever.
    const depth = 5000
    await database.query(`select pgmq.create('deep')`)
    await database.query(
      `select pgmq.send('deep', (repeat('[', ${depth}) || '12345678901234567890' || repeat(']', ${depth}))::jsonb)`,
    )
    const { messages } = await client.read('deep', { count: 10, leaseMs: 1000 })
    let value = messages[0]?.payload
    for (let level = 0; level < depth; level++) value = (value as unknown[])[0]
    expect(value).toBe('12345678901234567890')
  })

  it('keeps texts that look like long numbers, quotes and backslashes', async () => {
    const payload = {
      '1234567890123456789': '"1234567890123456789"',
      a: ['\\', '\\"9007199254740993', '9007199254740993\\'],
      b: [1.5e300, -1234567890123456.5, 9007199254740991],
    }
    const { messages } = await client
      .send('json', payload)
      .then(() => client.read('json', { count: 10_000, leaseMs: 1000 }))
    expect(messages.at(-1)?.payload).toEqual(payload)
  })

  it.each<[string, unknown, RegExp]>([
    ['undefined', undefined, /in payload, got undefined; send null/],
    ['undefined in an array', { a: [1, undefined] }, /in payload\.a\[1\], got undefined/],
    ['a hole', Object.assign([1], { 2: 3 }), /in payload\[1\], got undefined/],
    ['a function', { f: () => 1 }, /in payload\.f, got a function/],
    ['a symbol', [Symbol('s')], /got a symbol/],
    ['a symbol as key', { [Symbol('s')]: 1 }, /a symbol as key/],
    ['a BigInt', { big: 1n }, /in payload\.big, got a BigInt; send it as a string/],
    ['NaN', { 'odd key': Number.NaN }, /in payload\["odd key"\], got NaN/],
    ['infinity', [Number.NEGATIVE_INFINITY], /got -Infinity/],
    ['a Date', { at: new Date(0) }, /in payload\.at, got a Date; send date\.toISOString\(\)/],
    ['a Map', new Map(), /got a Map; send Object\.fromEntries/],
    ['a Set', new Set(), /got a Set; send \[\.\.\.set\]/],
    ['bytes', Buffer.from('x'), /got binary data; .*base64/],
    ['an instance', { p: new Point() }, /in payload\.p, got an instance of Point/],
    ['a boxed number', Object(1), /got an instance of Number/],
    ['a promise', Promise.resolve(1), /got a Promise; await it/],
    ['a cycle', cyclic, /a reference to an object that contains it/],
    ['too deep', deep, /more than 200 levels/],
    ['too many', bushy, /at most 262144 bytes, got more/],
    ['too large', 'ä'.repeat(131_072), /at most 262144 bytes, got 262146; store it elsewhere/],
    ['U+0000', { a: 'x\0' }, /in payload\.a, got a string with the character U\+0000/],
    ['U+0000 in a key', { 'a\0': 1 }, /character U\+0000/],
    ['half a pair', 'x\ud800', /half a surrogate pair/],
    ['half a pair in a key', { '\udc00': 1 }, /half a surrogate pair/],
  ])('is refused with the place and the way out: %s', async (_, value, message) => {
    const before = queries
    const error = await failureOf(client.send('json', value))
    expect(error).toMatchObject({ code: 'queue/invalid-payload', queue: 'json' })
    expect(error.message).toMatch(message)
    expect(queries).toBe(before)
  })

  it('may be as large as the limit says', async () => {
    const text = 'x'.repeat(262_142)
    expect(await roundTrip(text)).toEqual([text])
  })
})

describe('headers', () => {
  it('come back as they were', async () => {
    const headers = { 'x-pgmq-group': 'g', nested: { a: [1, null] } }
    expect(await roundTrip(1, headers)).toEqual([1, headers])
  })

  it.each<[string, unknown, RegExp]>([
    ['an array', [], /plain object, got an array/],
    ['a text', 'x', /plain object, got "x"/],
    [
      'our own names',
      { 'x-aimq-failures': 1 },
      /"x-aimq-failures"; names that begin with x-aimq- are AIMQ's/,
    ],
    ['more than 8 KiB', { a: 'x'.repeat(8192) }, /at most 8192 bytes/],
    ['a Date', { at: new Date() }, /in headers\.at, got a Date/],
  ])('are refused before any SQL: %s', async (_, headers, message) => {
    const before = queries
    const error = await failureOf(client.send('json', 1, { headers: headers as Record<string, unknown> }))
    expect(error).toMatchObject({ code: 'queue/invalid-headers' })
    expect(error.message).toMatch(message)
    expect(queries).toBe(before)
  })
})
