import { describe, expect, it } from 'vitest'
import { maxErrorTextLength, redact, summarizeError } from '../src/index.ts'

const cyclic: Record<string, unknown> = {}
cyclic.self = cyclic
const hostile = new Proxy(
  {},
  {
    get() {
      throw new Error('trap')
    },
  },
)

describe('summarizeError', () => {
  it.each([
    ['an Error', new TypeError('no'), { code: 'TypeError', message: 'no' }],
    [
      'an Error with a code',
      Object.assign(new Error('gone'), { code: 'ENOENT' }),
      { code: 'ENOENT', message: 'gone' },
    ],
    ['a string', 'plain', { code: 'Error', message: 'plain' }],
    ['undefined', undefined, { code: 'Error', message: 'undefined' }],
    ['null', null, { code: 'Error', message: 'null' }],
    ['a number', 7, { code: 'Error', message: '7' }],
    ['a symbol', Symbol('s'), { code: 'Error', message: 'Symbol(s)' }],
    ['a frozen object', Object.freeze({ message: 'cold' }), { code: 'Error', message: 'cold' }],
    ['a cyclic object', cyclic, { code: 'Error', message: '[object Object]' }],
    ['a hostile proxy', hostile, { code: 'Error', message: 'an object without a message was thrown' }],
    ['text PostgreSQL cannot store', new Error('a\0b\ud800'), { code: 'Error', message: 'a\ufffdb\ufffd' }],
  ])('makes plain data of %s', (_what, thrown, summary) => {
    expect(summarizeError(thrown)).toEqual(summary)
  })

  it('cuts what is too long', () => {
    expect(summarizeError(new Error('x'.repeat(1_000_000))).message).toHaveLength(maxErrorTextLength)
  })

  it('keeps no secret, not even one that is cut in half', () => {
    expect(summarizeError(new Error('postgres://me:hunter2@db is lost')).message).not.toContain('hunter2')
    const long = `${'x'.repeat(maxErrorTextLength - 30)} postgres://me:hunter2hunter2@db is lost`
    expect(summarizeError(new Error(long)).message).not.toContain('hunter2')
    expect(summarizeError({ url: 'postgres://me:hunter2@db' }).message).not.toContain('hunter2')
  })
})

describe('redact', () => {
  it.each([
    'postgres://me:hunter2@db.example.com:5432/app',
    'postgresql://me:hunter2@[::1]/app?sslmode=require',
    'host=db password=hunter2 user=me',
    '{"password":"hunter2"}',
    'PGPASSWORD=hunter2 psql',
    'Authorization: Bearer hunter2',
    'wss://x.supabase.co/realtime/v1/websocket?apikey=hunter2&vsn=2.0.0',
    'key sb_secret_hunter2 was refused',
    'jwt eyJhbGciOiJIUzI1NiJ9.hunter2.c2ln',
    'WEBHOOK_SECRET=hunter2',
    "{ user: 'me', password: 'hunter2' }",
    'password="hunter2" and more',
    "host=db password='my hunter2' user=me",
    '{"password":"a\\"hunter2"}',
    String.raw`{"body":"{\"password\":\"hunter2\"}"}`,
    'postgres://me:p@hunter2@db:5432/app',
    '{"password":"hunter2',
  ])('takes the secret out of %j', (text) => {
    expect(redact(text)).not.toContain('hunter2')
    expect(redact(text)).toContain('***')
  })

  // Texts of errors come from outside: one that makes this slow stops every heartbeat of the process.
  it.each([
    'a-',
    '-a',
    'a.',
    'secret-',
    'x://',
    'x://a:',
    'eyJa.',
    'password="',
    "token:'",
    'api_key = ',
    'basic ',
  ])('takes little time for a text of %j over and over', (unit) => {
    const text = unit.repeat(100_000 / unit.length)
    const before = performance.now()
    redact(text)
    expect(performance.now() - before).toBeLessThan(500)
  })

  it.each(["password='", '"password": "', 'password=', 'eyJ', 'x://a:', String.raw`"password":"\n`])(
    'survives millions of characters after %j',
    (begin) => {
      expect(redact(begin + 'x'.repeat(5_000_000)).length).toBeLessThanOrEqual(1_000_000)
      expect(redact(begin + String.raw`\n`.repeat(2_000_000)).length).toBeLessThanOrEqual(1_000_000)
    },
  )

  it('leaves the rest as it is', () => {
    expect(redact('postgres://me:hunter2@db:5432/app is unreachable')).toBe(
      'postgres://me:***@db:5432/app is unreachable',
    )
    const plain = [
      'queue "emails" does not exist',
      'WEBHOOK_SECRET: expected at least 24 characters',
      '{"url":"http://a:8080/x","email":"me@example.com"}',
    ]
    expect(plain.map(redact)).toEqual(plain)
  })
})
