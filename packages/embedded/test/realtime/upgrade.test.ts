import { startRealtime } from '@aimq/embedded'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { WebSocket } from 'ws'
import { createTokens } from '../../src/realtime/tokens.ts'
import { type Bundle, listen, setup } from './setup.ts'

let bundle: Bundle
beforeAll(async () => {
  bundle = await setup(inject('databaseUrl'))
})
afterAll(async () => bundle[Symbol.asyncDispose]())

/** What an upgrade is answered with. */
async function refusal(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; error: string }> {
  const url = new URL(bundle.realtime.url)
  const socket = new WebSocket(`ws://${url.host}${path}`, { headers })
  const { promise, resolve } = Promise.withResolvers<{ status: number; error: string }>()
  socket.on('error', () => {})
  socket.on('open', () => resolve({ status: 101, error: '' }))
  socket.on('unexpected-response', (_request, response) => {
    let body = ''
    response.on('data', (chunk) => {
      body += chunk
    })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, error: JSON.parse(body).error }))
  })
  const answer = await promise
  socket.terminate()
  return answer
}

const key = () => bundle.realtime.anonKey

test.each(['/websocket', '/realtime/v1/websocket', '/socket/websocket'])('%s is a way in', async (path) => {
  expect(await refusal(`${path}?apikey=${key()}&vsn=2.0.0`)).toMatchObject({ status: 101 })
})

test('other paths are not', async () => {
  expect(await refusal(`/realtime/v1?apikey=${key()}`)).toMatchObject({ status: 404 })
  expect(await refusal(`//?apikey=${key()}`)).toMatchObject({ status: 404 })
})

test.each([
  ['', 101],
  ['&vsn=1.0.0', 101],
  ['&vsn=2.0.0', 101],
  ['&vsn=3.0.0', 400],
  ['&vsn=x', 400],
])('the version %j is answered with %i', async (vsn, status) => {
  expect(await refusal(`/websocket?apikey=${key()}${vsn}`)).toMatchObject({ status })
})

test('a token that is no good is answered with 401 and the reason as JSON', async () => {
  const { sign } = bundle.realtime
  const other = createTokens('another secret of more than thirty-two bytes')
  const expired = await sign({ role: 'anon' }, { expiresInSeconds: -10 })
  const cases: [string, RegExp][] = [
    ['', /^Missing API key$/],
    ['nonsense', /^MalformedJWT: The token provided is not a valid JWT$/],
    [await other.key('anon'), /^JwtSignatureError: Failed to validate JWT signature$/],
    [expired, /^InvalidJWTToken: Token has expired 1\d seconds ago$/],
    [
      await sign({ sub: 'x' }, { expiresInSeconds: 60 }),
      /^InvalidJWTToken: Fields `role` and `exp` are required in JWT$/,
    ],
  ]
  for (const [token, error] of cases) {
    const answer = await refusal(`/websocket?vsn=2.0.0&apikey=${token}`)
    expect(answer).toEqual({ status: 401, error: expect.stringMatching(error) })
  }
})

test('the header x-api-key goes before the query', async () => {
  expect(await refusal('/websocket?apikey=nonsense', { 'x-api-key': key() })).toMatchObject({ status: 101 })
  expect(await refusal(`/websocket?apikey=${key()}`, { 'x-api-key': 'nonsense' })).toMatchObject({
    status: 401,
  })
})

test('the client tells the status of a refused upgrade over ws, and connects once it is let in', async () => {
  bundle.realtime.hooks.refuseUpgrades(503)
  const client = bundle.client({ transport: WebSocket as never, reconnectAfterMs: () => 20 })
  const listener = listen(client, 'refused')
  await listener.becomes('CHANNEL_ERROR')
  const cause = listener.errors[0]?.cause as { message?: string } | undefined
  expect(cause?.message).toContain('503')
  expect(bundle.realtime.hooks.counts().upgradesRefused).toBeGreaterThan(0)
  bundle.realtime.hooks.refuseUpgrades(undefined)
  await listener.becomes('SUBSCRIBED')
})

test('more sockets than allowed are answered with 429', async () => {
  await using limited = await setup(inject('databaseUrl'), { limits: { sockets: 1 } })
  await limited.raw()
  await expect(limited.raw()).rejects.toThrow('429')
})

test('a heartbeat is answered without join_ref, and a silent socket is closed', async () => {
  await using impatient = await setup(inject('databaseUrl'), { idleTimeoutMs: 150 })
  const raw = await impatient.raw()
  raw.send([null, '7', 'phoenix', 'heartbeat', {}])
  expect(await raw.next()).toEqual([null, '7', 'phoenix', 'phx_reply', { status: 'ok', response: {} }])
  expect(await raw.closed).toBe(1000)
})

test('malformed frames are ignored, and the socket lives on', async () => {
  const raw = await bundle.raw()
  const malformed = ['', '{', '[]', '[1,2,3,4,5]', '{"topic":"x"}', '"text"', 'null', '['.repeat(50_000)]
  for (const frame of malformed) raw.send(frame)
  // Kinds 0 to 9, cut short, with a wrong encoding, with lengths that lie, with JSON that is none.
  for (let kind = 0; kind < 10; kind += 1) raw.send(Buffer.from([kind, 255, 255, 255, 255, 255, 1]))
  raw.send(Buffer.from([]))
  raw.send(Buffer.from([3, 0, 0, 1, 1, 0, 9, 116, 101]))
  raw.send(Buffer.from([3, 0, 0, 1, 1, 0, 1, 116, 101, 123]))
  await raw.settle()
  expect(raw.ws.readyState).toBe(raw.ws.OPEN)
  expect(raw.frames).toEqual([])
})

test('a frame of more than five million bytes closes the socket', async () => {
  const raw = await bundle.raw()
  raw.send('x'.repeat(5_000_001))
  expect(await raw.closed).toBe(1009)
})

test('other addresses than loopback need a secret of their own', async () => {
  const error = await startRealtime({ connectionString: 'postgres://nowhere', host: '0.0.0.0' }).catch(
    (thrown) => thrown,
  )
  expect(error).toMatchObject({ code: 'embedded/invalid-options' })
  expect(error.message).toContain('jwtSecret: expected a secret of your own')
})

test('it listens on loopback, and says what it is in one line', async () => {
  const said: [object, string][] = []
  const silent = () => {}
  const logger = {
    debug: silent,
    warn: silent,
    error: silent,
    info: (fields: object, text: string) => said.push([fields, text]),
  }
  await using spoken = await setup(inject('databaseUrl'), { logger: logger as never })
  expect(spoken.realtime.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/realtime\/v1$/)
  expect(said).toEqual([
    [
      { url: spoken.realtime.url, backing: 'replication', schema: 'installed' },
      'local Realtime for development and tests is up; it is no Supabase and not for production',
    ],
  ])
})
