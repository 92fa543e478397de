import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Bundle, listen, policies, setup } from './setup.ts'

let bundle: Bundle
beforeAll(async () => {
  bundle = await setup(inject('databaseUrl'))
  await bundle.query(policies('service_role', true))
})
afterAll(async () => bundle[Symbol.asyncDispose]())

const enabled = (key = '') => ({ config: { presence: { enabled: true, key } } })
const track = (topic: string, ref: string, payload: unknown) => [
  '1',
  ref,
  topic,
  'presence',
  { type: 'presence', event: 'track', payload },
]

test('the genuine clients see who is there, who changes and who leaves', async () => {
  const [ada, bob] = [bundle.client(), bundle.client()]
  const first = listen(ada, 'room', { presence: { key: 'ada', enabled: true } })
  await first.becomes('SUBSCRIBED')
  expect(await first.channel.track({ mood: 'calm' })).toBe('ok')
  const second = listen(bob, 'room', { presence: { key: 'bob', enabled: true } })
  await second.becomes('SUBSCRIBED')
  await expect.poll(() => second.channel.presenceState()).toMatchObject({ ada: [{ mood: 'calm' }] })
  await second.channel.track({})
  await expect.poll(() => Object.keys(first.channel.presenceState()).toSorted()).toEqual(['ada', 'bob'])
  await first.channel.track({ mood: 'busy' })
  await expect.poll(() => second.channel.presenceState().ada).toMatchObject([{ mood: 'busy' }])
  await second.channel.untrack()
  await expect.poll(() => Object.keys(first.channel.presenceState())).toEqual(['ada'])
  bundle.realtime.hooks.dropConnections()
  await second.becomes('SUBSCRIBED', 2)
  expect(await second.channel.track({ back: true })).toBe('ok')
})

test('state, diffs and replies have the shape of the protocol', async () => {
  const topic = 'realtime:shape'
  const raw = await bundle.raw()
  await raw.join(topic, enabled('me'))
  expect(await raw.next()).toEqual(['1', null, topic, 'presence_state', {}])
  raw.send(track(topic, '2', { a: 1 }))
  expect(await raw.next()).toEqual(['1', '2', topic, 'phx_reply', { status: 'ok', response: {} }])
  const diff = await raw.next()
  const meta = { a: 1, phx_ref: expect.any(String) }
  expect(diff).toEqual([null, null, topic, 'presence_diff', { joins: { me: { metas: [meta] } }, leaves: {} }])
  const before = diff[4].joins.me.metas[0]
  raw.send(track(topic, '3', { a: 2 }))
  await raw.next((frame) => frame[1] === '3')
  expect((await raw.next())[4]).toEqual({
    joins: { me: { metas: [{ a: 2, phx_ref: expect.any(String), phx_ref_prev: before.phx_ref }] } },
    leaves: { me: { metas: [before] } },
  })
})

test('the same payload again changes nothing', async () => {
  const topic = 'realtime:same'
  const raw = await bundle.raw()
  await raw.join(topic, enabled('me'))
  for (const ref of ['2', '3']) raw.send(track(topic, ref, { a: 1 }))
  await raw.settle()
  expect(raw.frames.filter((frame) => String(frame).includes('presence_diff'))).toHaveLength(1)
})

test('one key on several sockets has a meta for each; a socket that goes takes its own', async () => {
  const topic = 'realtime:shared'
  const [one, two, watcher] = [await bundle.raw(), await bundle.raw(), await bundle.raw()]
  for (const raw of [one, two]) {
    await raw.join(topic, enabled('shared'))
    raw.send(track(topic, '2', { who: raw === one ? 1 : 2 }))
    await raw.next((frame) => frame[1] === '2')
  }
  await watcher.join(topic, enabled())
  const state = await watcher.next((frame) => frame[3] === 'presence_state')
  expect(state[4].shared.metas).toMatchObject([{ who: 1 }, { who: 2 }])
  one.ws.terminate()
  const diff = await watcher.next((frame) => frame[3] === 'presence_diff')
  expect(diff[4]).toMatchObject({ joins: {}, leaves: { shared: { metas: [{ who: 1 }] } } })
})

test('a key may be any text; none gets one made; tracking turns presence on', async () => {
  const topic = 'realtime:keys'
  const [odd, none] = [await bundle.raw(), await bundle.raw()]
  await odd.join(topic, enabled('__proto__'))
  odd.send(track(topic, '2', {}))
  await odd.next((frame) => frame[1] === '2')
  await none.join(topic, {})
  none.send(track(topic, '2', {}))
  const state = await none.next((frame) => frame[3] === 'presence_state')
  const keys = Object.keys(state[4])
  expect(keys).toContain('__proto__')
  expect(keys.find((key) => key !== '__proto__')).toMatch(/^[0-9a-f-]{36}$/)
})

test('a payload that is no object and an event that does not exist are errors', async () => {
  const topic = 'realtime:wrong'
  const raw = await bundle.raw()
  await raw.join(topic)
  raw.send(track(topic, '2', 'text'))
  expect((await raw.next())[4]).toEqual({
    status: 'error',
    response: { reason: 'Presence track payload must be a map' },
  })
  raw.send(['1', '3', topic, 'presence', { event: 'dance' }])
  expect((await raw.next())[4]).toEqual({ status: 'error', response: {} })
})

test('the sixth call within the window closes the channel', async () => {
  const topic = 'realtime:calls'
  const raw = await bundle.raw()
  await raw.join(topic)
  for (const ref of ['2', '3', '4', '5', '6', '7']) raw.send(track(topic, ref, { same: true }))
  const message = 'Client presence rate limit exceeded'
  expect(await raw.next((frame) => frame[3] === 'system')).toMatchObject({ 4: { status: 'error', message } })
  expect(await raw.next((frame) => frame[3] === 'phx_close')).toEqual(['1', '1', topic, 'phx_close', {}])
})

test('the limit on calls can be lifted', async () => {
  await using lifted = await setup(inject('databaseUrl'), { limits: { presenceCalls: false } })
  const raw = await lifted.raw()
  await raw.join('realtime:calls')
  for (let ref = 2; ref < 30; ref += 1) raw.send(track('realtime:calls', String(ref), { ref }))
  expect((await raw.next((frame) => frame[1] === '29'))[4].status).toBe('ok')
})

test('on private channels policies decide who tracks and who sees it', async () => {
  const { serviceRoleKey, sign } = bundle.realtime
  const topic = 'realtime:private'
  await bundle.query(
    `create policy hear on realtime.messages for select to authenticated using (extension = 'broadcast')`,
  )
  const deaf = await sign({ role: 'authenticated' }, { expiresInSeconds: 60 })
  const [actor, stranger] = [await bundle.raw(), await bundle.raw()]
  const config = { private: true, presence: { enabled: true, key: 'k' } }
  await actor.join(topic, { config, access_token: serviceRoleKey })
  await stranger.join(topic, { config, access_token: deaf })
  actor.send(track(topic, '2', {}))
  await actor.next((frame) => frame[3] === 'presence_diff')
  stranger.send(track(topic, '2', {}))
  expect((await stranger.next())[4]).toEqual({ status: 'error', response: {} })
  await stranger.settle()
  expect(stranger.frames).toEqual([])
})
