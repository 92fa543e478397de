import { expect, inject, test } from 'vitest'
import { CallLimit, RateLimit } from '../../src/realtime/limits.ts'
import { listen, policies, setup } from './setup.ts'

test('a channel too many is refused', async () => {
  await using bundle = await setup(inject('databaseUrl'), { limits: { channelsPerSocket: 1 } })
  const raw = await bundle.raw()
  expect(await raw.join('realtime:one')).toMatchObject({ status: 'ok' })
  expect(await raw.join('realtime:two')).toEqual({
    status: 'error',
    response: { reason: 'ChannelRateLimitReached: Too many channels' },
  })
})

test('too many joins per second are refused, and the socket closed with 1001', async () => {
  await using bundle = await setup(inject('databaseUrl'), { limits: { joinsPerSecond: 0, rateBucketMs: 20 } })
  const raw = await bundle.raw()
  await raw.join('realtime:one')
  await expect
    .poll(async () => (await raw.join('realtime:one', {}, crypto.randomUUID())).status)
    .toBe('error')
  expect(await raw.closed).toBe(1001)
  expect(bundle.realtime.hooks.joins.at(-1)?.reason).toBe(
    'ClientJoinRateLimitReached: Too many joins per second',
  )
})

test('a payload too long is refused with an error when an answer is wanted', async () => {
  await using bundle = await setup(inject('databaseUrl'), { limits: { payloadBytes: 100 } })
  const sender = listen(bundle.client(), 'long', { broadcast: { ack: true, self: true } })
  await sender.becomes('SUBSCRIBED')
  const send = (length: number) =>
    sender.channel.send({ type: 'broadcast', event: 'e', payload: { x: 'x'.repeat(length) } })
  expect(await send(101)).toBe('error')
  expect(await send(10)).toBe('ok')
  await sender.hears(1)
})

test('too many events close every channel that receives one, and the client does not come back', async () => {
  await using bundle = await setup(inject('databaseUrl'), {
    limits: { eventsPerSecond: 10, rateBucketMs: 50 },
  })
  await bundle.query(policies('anon'))
  const listener = listen(bundle.client(), 'flood', { private: true })
  await listener.becomes('SUBSCRIBED')
  await bundle.query(`select realtime.send('{}', 'e', 'flood') from generate_series(1, 100)`)
  // Delivered or, once there were too many, dropped.
  await expect.poll(() => bundle.realtime.hooks.counts().rows, { timeout: 8000 }).toBe(100)
  const sender = await bundle.raw({ apikey: bundle.realtime.serviceRoleKey })
  await sender.join('realtime:flood', { config: { private: true } })
  // The bucket has to be full first; from then on the next broadcast closes.
  await expect
    .poll(() => {
      sender.send([
        '1',
        null,
        'realtime:flood',
        'broadcast',
        { type: 'broadcast', event: 'last', payload: {} },
      ])
      return listener.statuses.includes('CLOSED')
    })
    .toBe(true)
  expect(listener.systems).toMatchObject([
    { status: 'error', message: 'Too many messages per second', channel: 'flood' },
  ])
  expect(listener.statuses).toEqual(['SUBSCRIBED', 'CLOSED'])
})

test('REST calls beyond the rate are answered with 429', async () => {
  await using bundle = await setup(inject('databaseUrl'), {
    limits: { eventsPerSecond: 10, rateBucketMs: 100 },
  })
  const post = async (path: string, body: unknown) => {
    const response = await fetch(`${bundle.realtime.url}/api/broadcast${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', apikey: bundle.realtime.anonKey },
    })
    const text = await response.text()
    return { status: response.status, message: text === '' ? undefined : JSON.parse(text).message }
  }
  const messages = (count: number) => ({
    messages: Array.from({ length: count }, () => ({ topic: 't', event: 'e', payload: {} })),
  })
  const smaller = 'Too many messages to broadcast, please reduce the batch size'
  expect(await post('', messages(11))).toEqual({ status: 429, message: smaller })
  expect(await post('', messages(10))).toEqual({ status: 202, message: undefined })
  const exceeded = { status: 429, message: 'You have exceeded your rate limit' }
  await expect.poll(() => post('/t/events/e', {}), { interval: 1 }).toEqual(exceeded)
  expect(await post('', messages(1))).toEqual(exceeded)
})

test('a rate is the average of the full buckets, and no limit never trips', async () => {
  const rate = new RateLimit(10, 20)
  rate.add(1000)
  expect(rate.isTripped()).toBe(false)
  await expect.poll(() => rate.isTripped(), { interval: 1 }).toBe(true)
  await expect.poll(() => rate.isTripped(), { interval: 5 }).toBe(false)
  expect(rate.isTripped(11)).toBe(true)
  const none = new RateLimit(undefined)
  none.add(1e9)
  expect(none.isTripped(1e9)).toBe(false)
})

test('calls are counted from the first of a window', async () => {
  const calls = new CallLimit({ presenceCalls: 2, presenceWindowMs: 30 })
  expect([calls.allows(), calls.allows(), calls.allows()]).toEqual([true, true, false])
  await expect.poll(() => calls.allows(), { interval: 10 }).toBe(true)
})
