import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Bundle, listen, policies, setup } from './setup.ts'

let bundle: Bundle
beforeAll(async () => {
  bundle = await setup(inject('databaseUrl'), { limits: { payloadBytes: 1000 } })
  await bundle.query(policies('anon'))
})
afterAll(async () => bundle[Symbol.asyncDispose]())

async function post(path: string, body: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${bundle.realtime.url}/api/broadcast${path}`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${bundle.realtime.anonKey}`,
      ...headers,
    },
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

const batch = (messages: unknown, headers?: Record<string, string>) =>
  post('', JSON.stringify({ messages }), headers)
const service = () => ({ authorization: `Bearer ${bundle.realtime.serviceRoleKey}` })

test('a batch reaches the channels of its topics as text, with numbers as they came', async () => {
  const raw = await bundle.raw()
  await raw.join('realtime:one')
  await raw.join('realtime:two', {}, '2')
  const body =
    '{"messages":[{"topic":"one","event":"a","payload":{"n":9007199254740993}},{"topic":"two","event":"b","payload":{}}]}'
  expect(await post('', body)).toEqual({ status: 202, body: undefined })
  await raw.settle()
  expect(raw.frames).toEqual([
    '[null,null,"realtime:one","broadcast",{"event":"a","payload":{"n":9007199254740993},"type":"broadcast"}]',
    '[null,null,"realtime:two","broadcast",{"event":"b","payload":{},"type":"broadcast"}]',
  ])
})

test('private messages of a batch that may not be written are skipped, the others sent', async () => {
  const raw = await bundle.raw()
  await raw.join('realtime:mixed')
  await raw.join('realtime:mixed-private', { config: { private: true } }, '2')
  const messages = [
    { topic: 'mixed-private', event: 'denied', payload: {}, private: true },
    { topic: 'mixed', event: 'sent', payload: {}, private: false },
  ]
  expect(await batch(messages)).toMatchObject({ status: 202 })
  expect(await batch(messages, service())).toMatchObject({ status: 202 })
  await raw.settle()
  expect(raw.frames.map((frame) => JSON.parse(String(frame))[4].event)).toEqual(['sent', 'denied', 'sent'])
})

test('what is wrong with a batch is told', async () => {
  const blank = ["can't be blank"]
  expect(await post('', '{}')).toEqual({ status: 422, body: { errors: { messages: blank } } })
  expect(await batch('x')).toEqual({ status: 422, body: { errors: { messages: ['is invalid'] } } })
  expect(
    await batch([
      { topic: 't', event: 'e', payload: {} },
      { topic: 7, payload: [] },
    ]),
  ).toEqual({
    status: 422,
    body: { errors: { messages: [{}, { topic: ['is invalid'], event: blank, payload: ['is invalid'] }] } },
  })
  expect(await batch([{ topic: 't', event: 'e', payload: { x: 'x'.repeat(1001) } }])).toMatchObject({
    status: 422,
  })
  expect(await post('', '{')).toMatchObject({ status: 400 })
  expect(await post('', '{}', { 'content-type': 'text/plain' })).toMatchObject({ status: 415 })
})

test('a single event is sent by the genuine client, JSON and binary', async () => {
  const listener = listen(bundle.client(), 'jobs:single/a')
  await listener.becomes('SUBSCRIBED')
  const sender = bundle.client().channel('jobs:single/a')
  expect(await sender.httpSend('größe', { n: 1 })).toEqual({ success: true })
  await listener.hears(1)
  await sender.httpSend('bytes', new Uint8Array([0, 255]).buffer)
  await listener.hears(2)
  expect(listener.heard[0]).toMatchObject({ event: 'größe', payload: { n: 1 } })
  expect(new Uint8Array(listener.heard[1]?.payload)).toEqual(new Uint8Array([0, 255]))
})

test('a single private event needs permission to write', async () => {
  const listener = listen(bundle.client(), 'guarded', { private: true })
  await listener.becomes('SUBSCRIBED')
  const path = '/guarded/events/e?private=true'
  expect(await post(path, '{"n":1}')).toMatchObject({ status: 403 })
  expect(await post(path, '{"n":2}', service())).toMatchObject({ status: 202 })
  await listener.hears(1)
  expect(listener.heard).toMatchObject([{ event: 'e', payload: { n: 2 } }])
})

test('what is wrong with a single event is told', async () => {
  expect(await post('/t/events/e', 'x', { 'content-type': 'text/plain' })).toMatchObject({ status: 415 })
  expect(await post('/t/events/e', '{')).toMatchObject({ status: 400 })
  expect(await post('/%ff/events/e', '{}')).toMatchObject({ status: 400 })
  expect(await post(`/${'t'.repeat(250)}/events/e`, '{}')).toMatchObject({ status: 422 })
  expect(await post('/t/events/e', `"${'x'.repeat(1000)}"`)).toMatchObject({ status: 422 })
  expect(await post('/t/events/e', 'x'.repeat(5_000_001))).toMatchObject({ status: 413 })
})

test('the token is the bearer, else the header apikey; without a good one the answer is 401', async () => {
  const { anonKey } = bundle.realtime
  const unauthorized = { status: 401, body: { message: 'Unauthorized' } }
  expect(await post('/t/events/e', '{}', { authorization: '' })).toEqual(unauthorized)
  expect(await post('/t/events/e', '{}', { authorization: 'Bearer nonsense', apikey: anonKey })).toEqual(
    unauthorized,
  )
  expect(await post('/t/events/e', '{}', { authorization: '', apikey: anonKey })).toMatchObject({
    status: 202,
  })
})

test('browsers may ask from anywhere, and the health check answers', async () => {
  const { url } = bundle.realtime
  const preflight = await fetch(`${url}/api/broadcast`, {
    method: 'OPTIONS',
    headers: { 'access-control-request-headers': 'apikey' },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
  expect(preflight.headers.get('access-control-allow-headers')).toBe('apikey')
  expect((await fetch(`${url}/healthcheck`)).status).toBe(200)
  expect((await fetch(new URL('/healthcheck', url))).status).toBe(200)
  expect((await fetch(`${url}/elsewhere`)).status).toBe(404)
  expect((await fetch(`${url}/api/broadcast`)).status).toBe(405)
})
