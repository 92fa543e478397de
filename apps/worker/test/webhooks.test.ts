import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { validatePayload } from '@aimq/events'
import { expect, onTestFinished, test } from 'vitest'
import { verifyWebhook } from '../src/handlers/webhook-signature.ts'
import { webhooks, webhooksQueue } from '../src/handlers/webhooks.ts'
import { runHandler } from './support/job.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const handler = webhooks({ secretOf: (name) => (name === undefined ? secret : undefined), timeoutMs: 500 })

/** For what must not end by running out of time. */
const patient = webhooks({ secretOf: () => secret, timeoutMs: 60_000 })

type Answer = (request: IncomingMessage, response: ServerResponse) => void

async function receiver(answer: Answer): Promise<string> {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
}

const answering = (status: number, headers: Record<string, string> = {}) =>
  receiver((_, response) => response.writeHead(status, headers).end('{}'))

test('posts JSON with a signature that a Standard Webhooks receiver computes the same', async () => {
  const requests: { headers: IncomingMessage['headers']; body: string; method: string | undefined }[] = []
  const url = await receiver(async (request, response) => {
    requests.push({ headers: request.headers, body: await text(request), method: request.method })
    response.writeHead(204).end()
  })
  const payload = { url, body: { order: 1, name: 'Zoë' }, headers: { 'x-shop': 'north' } }
  expect(await runHandler(handler, payload)).toBeUndefined()

  const [{ headers, body, method } = { headers: {}, body: '', method: '' }] = requests
  expect(method).toBe('POST')
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-shop': 'north' })
  expect(JSON.parse(body)).toEqual({ order: 1, name: 'Zoë' })
  // Written down from the specification, without our own code.
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
  expect(Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp']))).toBeLessThan(5)
  expect(verifyWebhook(secret, headers, body, Date.now())).toBe(true)
  expect(verifyWebhook(secret, headers, `${body} `, Date.now())).toBe(false)
  expect(verifyWebhook('another secret of the shop', headers, body, Date.now())).toBe(false)
  expect(verifyWebhook(secret, headers, body, Date.now() + 6 * 60_000)).toBe(false)
})

test('gives every try of a job the same id, so that a receiver can tell a repetition', async () => {
  const ids: unknown[] = []
  const url = await receiver((request, response) => {
    ids.push(request.headers['webhook-id'])
    response.writeHead(204).end()
  })
  await runHandler(handler, { url, body: {} }, { attempt: 1 })
  await runHandler(handler, { url, body: {} }, { attempt: 2, readCount: 5 })
  await runHandler(handler, { url, body: {} }, { enqueuedAt: 1_800_000_000_000 })
  expect(ids[0]).toBe(ids[1])
  expect(ids[2]).not.toBe(ids[0])
})

test.each([
  ['503 with seconds', 503, { 'retry-after': '7' }, { kind: 'retry', delaySeconds: 7 }],
  ['429 with a zero', 429, { 'retry-after': '0' }, { kind: 'retry', delaySeconds: 1 }],
  ['503 with a day', 503, { 'retry-after': '86400' }, { kind: 'retry', delaySeconds: 3600 }],
  [
    '503 with a date gone by',
    503,
    { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' },
    { kind: 'retry', delaySeconds: 1 },
  ],
  ['410', 410, {}, { kind: 'dead-letter', reason: expect.stringContaining('answered 410') }],
  ['404', 404, {}, { kind: 'dead-letter', reason: expect.stringContaining('answered 404') }],
  [
    'a redirect',
    302,
    { location: 'http://127.0.0.1:9/' },
    { kind: 'dead-letter', reason: expect.stringContaining('not followed') },
  ],
])('takes %s for what it says', async (_name, status, headers, outcome) => {
  expect(await runHandler(handler, { url: await answering(status, headers), body: {} })).toMatchObject(
    outcome,
  )
})

test.each([408, 425, 429, 500, 502])(
  'leaves the delay after a %i to the backoff of the queue',
  async (status) => {
    const outcome = await runHandler(handler, { url: await answering(status), body: {} })
    expect(outcome).toMatchObject({ kind: 'retry' })
    expect(outcome).not.toHaveProperty('delaySeconds')
  },
)

test('reads a date in Retry-After as time from now', async () => {
  const inTenSeconds = new Date(Date.now() + 10_000).toUTCString()
  const outcome = await runHandler(handler, {
    url: await answering(503, { 'retry-after': inTenSeconds }),
    body: {},
  })
  expect(outcome).toMatchObject({ kind: 'retry' })
  expect((outcome as { delaySeconds: number }).delaySeconds).toBeGreaterThanOrEqual(8)
  expect((outcome as { delaySeconds: number }).delaySeconds).toBeLessThanOrEqual(10)
})

test('fails, to be tried again, when no answer comes in time', async () => {
  const url = await receiver(() => {})
  await expect(runHandler(handler, { url, body: {} })).rejects.toThrow('no answer within 500 ms')
})

test('says what was wrong with the network', async () => {
  const url = await answering(204)
  const closed = url.replace(/:\d+/, ':2')
  await expect(runHandler(handler, { url: closed, body: {} })).rejects.toThrow(
    /not delivered: .*ECONNREFUSED/,
  )
})

test('ends with the job, when its signal aborts', async () => {
  const arrived = Promise.withResolvers<void>()
  const url = await receiver(() => arrived.resolve())
  const stop = new AbortController()
  const run = runHandler(patient, { url, body: {} }, { signal: stop.signal })
  await arrived.promise
  stop.abort(new Error('the worker stops'))
  await expect(run).rejects.toThrow('the worker stops')
})

test('does not wait for the end of an answer that has none', async () => {
  const closed = Promise.withResolvers<void>()
  const url = await receiver((_, response) => {
    response.on('close', closed.resolve).writeHead(200)
    const flood = () => {
      while (!response.destroyed && response.write('x'.repeat(16_384)));
    }
    response.on('drain', flood)
    flood()
  })
  expect(await runHandler(patient, { url, body: {} })).toBeUndefined()
  await closed.promise
})

test('asks for the secret that is not there, and does not send unsigned', async () => {
  let requests = 0
  const url = await receiver((_, response) => {
    requests += 1
    response.end()
  })
  await expect(runHandler(handler, { url, body: {}, secretName: 'shop' })).rejects.toThrow(
    'WEBHOOK_SECRET_SHOP',
  )
  expect(requests).toBe(0)
})

test.each([
  ['another scheme', { url: 'file:///etc/passwd', body: {} }],
  ['a password in the URL', { url: 'http://user:secret@host/', body: {} }],
  ['no URL', { url: 'example.com', body: {} }],
  ['no body', { url: 'http://host/' }],
  ['a signature of its own', { url: 'http://host/', body: {}, headers: { 'Webhook-Signature': 'v1,x' } }],
  ['another host', { url: 'http://host/', body: {}, headers: { host: 'other' } }],
  ['a header that ends the header', { url: 'http://host/', body: {}, headers: { 'x-a': 'b\r\nx-c: d' } }],
  ['a secret', { url: 'http://host/', body: {}, secret: 'abc' }],
])('refuses a payload with %s', async (_name, payload) => {
  await expect(validatePayload(webhooksQueue, payload)).rejects.toMatchObject({
    code: 'events/payload-refused',
  })
})

test('a port that fetch never sends to is a dead letter, not tried again', async () => {
  const outcome = await runHandler(handler, { url: 'http://127.0.0.1:22/', body: {} })
  expect(outcome).toMatchObject({ kind: 'dead-letter', reason: expect.stringContaining('port') })
})
