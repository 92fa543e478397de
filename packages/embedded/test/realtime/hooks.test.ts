import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Bundle, listen, policies, setup } from './setup.ts'

const soon = { reconnectAfterMs: () => 20 }
let bundle: Bundle
beforeAll(async () => {
  bundle = await setup(inject('databaseUrl'))
  await bundle.query(policies('anon'))
})
afterAll(async () => bundle[Symbol.asyncDispose]())

const send = (topic: string, event: string) =>
  bundle.query('select realtime.send($1::jsonb, $2, $3)', ['{}', event, topic])

test.each([undefined, 1000, 1001, 1012])(
  'a client whose connection is dropped with %s comes back',
  async (code) => {
    const topic = `dropped-${code}`
    const listener = listen(bundle.client(soon), topic, { private: true })
    await listener.becomes('SUBSCRIBED')
    bundle.realtime.hooks.dropConnections(code)
    await listener.becomes('SUBSCRIBED', 2)
    await send(topic, 'after')
    await listener.hears(1)
  },
)

test('a channel that is closed is told why, and does not come back by itself', async () => {
  const listener = listen(bundle.client(soon), 'closed')
  await listener.becomes('SUBSCRIBED')
  bundle.realtime.hooks.closeChannel('closed', 'No reason')
  await listener.becomes('CLOSED')
  expect(listener.systems).toMatchObject([{ status: 'error', message: 'No reason', channel: 'closed' }])
  const raw = await bundle.raw()
  await raw.join('realtime:closed', {}, '4')
  bundle.realtime.hooks.closeChannel('realtime:closed')
  const payload = { extension: 'system', status: 'error', message: 'Closed by a test', channel: 'closed' }
  expect(await raw.next()).toEqual(['4', null, 'realtime:closed', 'system', payload])
  expect(await raw.next()).toEqual(['4', '4', 'realtime:closed', 'phx_close', {}])
  expect(bundle.realtime.hooks.channels()).not.toContainEqual(
    expect.objectContaining({ topic: 'realtime:closed' }),
  )
})

test('a channel that crashes is joined again', async () => {
  const listener = listen(bundle.client(soon), 'crashed')
  await listener.becomes('SUBSCRIBED')
  bundle.realtime.hooks.errorChannel('crashed')
  await listener.becomes('CHANNEL_ERROR')
  await listener.becomes('SUBSCRIBED', 2)
})

test('frozen, nothing is answered and the heartbeat of the client notices; thawed, it goes on', async () => {
  const heartbeats: string[] = []
  const client = bundle.client({
    ...soon,
    heartbeatIntervalMs: 100,
    heartbeatCallback: (status) => heartbeats.push(status),
  })
  const listener = listen(client, 'frozen', { private: true })
  await listener.becomes('SUBSCRIBED')
  const raw = await bundle.raw()
  await raw.join('realtime:frozen', { config: { private: true } })
  bundle.realtime.hooks.freeze()
  raw.send([null, '8', 'phoenix', 'heartbeat', {}])
  await send('frozen', 'held')
  await listener.becomes('CHANNEL_ERROR')
  await expect.poll(() => heartbeats).toContain('timeout')
  expect(raw.frames).toEqual([])
  expect(raw.ws.readyState).toBe(raw.ws.OPEN)
  bundle.realtime.hooks.thaw()
  await raw.next((frame) => frame[1] === '8')
  expect(String(await raw.next(Buffer.isBuffer))).toContain('held')
  await listener.becomes('SUBSCRIBED', 2)
})

test('swallowing, it is joined and beating and hears nothing', async () => {
  const raw = await bundle.raw()
  await raw.join('realtime:deaf', { config: { private: true } })
  const { hooks } = bundle.realtime
  hooks.swallow(true)
  const { rows } = hooks.counts()
  await send('deaf', 'swallowed')
  await expect.poll(() => hooks.counts().rows).toBe(rows + 1)
  await raw.settle()
  hooks.swallow(false)
  await send('deaf', 'heard')
  expect(String(await raw.next(Buffer.isBuffer))).toContain('heard')
  expect(raw.frames).toEqual([])
})

test('what is sent while replication is down is lost', async () => {
  const raw = await bundle.raw()
  await raw.join('realtime:lost', { config: { private: true } })
  await bundle.realtime.hooks.stopReplication()
  await send('lost', 'never')
  await bundle.realtime.hooks.startReplication()
  await send('lost', 'again')
  expect(String(await raw.next(Buffer.isBuffer))).toContain('again')
  expect(raw.frames).toEqual([])
})

test('joins and counts can be seen', async () => {
  const raw = await bundle.raw()
  await raw.join('realtime:seen')
  await raw.join('realtime:', {}, '2')
  const { hooks } = bundle.realtime
  expect(hooks.joins.slice(-2)).toEqual([
    { topic: 'realtime:seen', private: false, role: 'anon', reason: undefined },
    {
      topic: 'realtime:',
      private: false,
      role: undefined,
      reason: 'TopicNameRequired: You must provide a topic name',
    },
  ])
  expect(hooks.channels()).toContainEqual({ topic: 'realtime:seen', private: false, role: 'anon' })
  const before = hooks.counts()
  raw.ws.terminate()
  await expect.poll(() => hooks.counts().sockets).toBe(before.sockets - 1)
  expect(hooks.counts().channels).toBe(before.channels - 1)
})
