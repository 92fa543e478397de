import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Bundle, listen, setup } from './setup.ts'

let bundle: Bundle
beforeAll(async () => {
  bundle = await setup(inject('databaseUrl'))
})
afterAll(async () => bundle[Symbol.asyncDispose]())

const ok = { status: 'ok', response: { postgres_changes: [] } }
const refused = (reason: string) => ({ status: 'error', response: { reason } })

test.each([
  ['nothing', null],
  ['no config', {}],
  ['a config that is none', { config: 'x' }],
  ['empty parts', { config: { broadcast: null, presence: null, postgres_changes: null } }],
  ['an empty list of changes', { config: { postgres_changes: [null] } }],
  ['booleans as text', { config: { private: 'False', broadcast: { ack: 'True', self: 'true' } } }],
  ['unknown keys', { config: { future: 1, broadcast: { persist: true } }, version: 'realtime-js/9.9' }],
])('a join with %s is let in', async (_what, payload) => {
  const raw = await bundle.raw()
  expect(await raw.join('realtime:tolerant', payload)).toEqual(ok)
})

test('booleans as text count', async () => {
  const raw = await bundle.raw()
  await raw.join('realtime:texts', { config: { broadcast: { ack: 'True', self: 'true' } } })
  raw.send(['1', '2', 'realtime:texts', 'broadcast', { type: 'broadcast', event: 'e', payload: {} }])
  await raw.next((frame) => frame[3] === 'broadcast')
  expect(await raw.next((frame) => frame[1] === '2')).toEqual([
    '1',
    '2',
    'realtime:texts',
    'phx_reply',
    { status: 'ok', response: {} },
  ])
})

test('the topic needs a name, and other topics match nothing', async () => {
  const raw = await bundle.raw()
  expect(await raw.join('realtime:')).toEqual(refused('TopicNameRequired: You must provide a topic name'))
  expect(await raw.join('room:1')).toEqual(refused('unmatched topic'))
})

test('postgres_changes are out of scope, and said to be', async () => {
  const raw = await bundle.raw()
  const config = { postgres_changes: [{ event: '*', schema: 'public' }] }
  expect(await raw.join('realtime:changes', { config })).toMatchObject(
    refused(expect.stringMatching(/^RealtimeDisabledForConfiguration: /) as never),
  )
})

test('a token in the join counts before the one of the socket, unless it is an sb_ key', async () => {
  const { sign, serviceRoleKey, hooks } = bundle.realtime
  const raw = await bundle.raw()
  const expired = await sign({ role: 'authenticated' }, { expiresInSeconds: -10 })
  const roleless = await sign({}, { expiresInSeconds: 60 })
  expect(await raw.join('realtime:token', { access_token: expired })).toMatchObject(
    refused(expect.stringMatching(/^InvalidJWTToken: Token has expired 1\d seconds ago$/) as never),
  )
  expect(await raw.join('realtime:token', { access_token: roleless })).toEqual(
    refused('InvalidJWTToken: Fields `role` and `exp` are required in JWT'),
  )
  expect(await raw.join('realtime:token', { access_token: 'x.y.z' })).toEqual(
    refused('MalformedJWT: The token provided is not a valid JWT'),
  )
  expect(await raw.join('realtime:token', { access_token: `${serviceRoleKey}x` })).toMatchObject({
    status: 'error',
  })
  for (const access_token of [serviceRoleKey, 'sb_secret_x', null, undefined, 7])
    expect(await raw.join('realtime:token', { access_token })).toEqual(ok)
  const roles = hooks.joins.filter((join) => join.topic === 'realtime:token' && join.reason === undefined)
  expect(roles.map((join) => join.role)).toEqual(['service_role', 'anon', 'anon', 'anon', 'anon'])
})

test('a refused join is answered after the delay', async () => {
  await using slow = await setup(inject('databaseUrl'), { joinErrorDelayMs: 300 })
  const raw = await slow.raw()
  const start = performance.now()
  await raw.join('realtime:')
  expect(performance.now() - start).toBeGreaterThan(290)
})

test('a second join of a topic closes the first', async () => {
  const raw = await bundle.raw()
  await raw.join('realtime:twice', {}, '1')
  raw.send(['2', '2', 'realtime:twice', 'phx_join', {}])
  expect(await raw.next()).toEqual(['1', '1', 'realtime:twice', 'phx_close', {}])
  expect(await raw.next()).toEqual(['2', '2', 'realtime:twice', 'phx_reply', ok])
  expect(bundle.realtime.hooks.channels().filter(({ topic }) => topic === 'realtime:twice')).toHaveLength(1)
})

test('leaving is answered and then closes; a topic that is not joined can be left too', async () => {
  const raw = await bundle.raw()
  await raw.join('realtime:left')
  raw.send(['1', '2', 'realtime:left', 'phx_leave', {}])
  const left = { status: 'ok', response: {} }
  expect(await raw.next()).toEqual(['1', '2', 'realtime:left', 'phx_reply', left])
  expect(await raw.next()).toEqual(['1', '1', 'realtime:left', 'phx_close', {}])
  raw.send(['9', '3', 'realtime:never', 'phx_leave', {}])
  expect(await raw.next()).toEqual(['9', '3', 'realtime:never', 'phx_reply', left])
  raw.send(['9', '4', 'realtime:left', 'broadcast', {}])
  const unmatched = { status: 'error', response: { reason: 'unmatched topic' } }
  expect(await raw.next()).toEqual(['9', '4', 'realtime:left', 'phx_reply', unmatched])
})

test('unknown events and events of an earlier join get no answer', async () => {
  const raw = await bundle.raw()
  await raw.join('realtime:quiet', { config: { broadcast: { self: true } } }, '5')
  raw.send(['5', '6', 'realtime:quiet', 'unheard_of', {}])
  raw.send(['4', '7', 'realtime:quiet', 'broadcast', { event: 'stale' }])
  await raw.settle()
  expect(raw.frames).toEqual([])
})

test('the genuine client subscribes, unsubscribes and subscribes again', async () => {
  const client = bundle.client()
  const first = listen(client, 'again')
  await first.becomes('SUBSCRIBED')
  expect(await client.removeChannel(first.channel)).toBe('ok')
  expect(first.statuses).toEqual(['SUBSCRIBED', 'CLOSED'])
  const second = listen(client, 'again')
  await second.becomes('SUBSCRIBED')
})

test('public joins are refused where only private ones are allowed', async () => {
  await using strict = await setup(inject('databaseUrl'), { privateOnly: true })
  const raw = await strict.raw()
  expect(await raw.join('realtime:open')).toEqual(
    refused('PrivateOnly: This project only allows private channels'),
  )
})
