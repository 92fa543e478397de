import type { IncomingMessage, ServerResponse } from 'node:http'
import { checkWrite } from './authorization.ts'
import { textBroadcast, userBroadcast } from './broadcast.ts'
import type { Context } from './context.ts'
import { isObject, type JsonObject, parseLossless } from './json.ts'
import type { Claims } from './tokens.ts'
import { customHeaders, parseUrl } from './upgrade.ts'

const maxBodyBytes = 5_000_000
const cors = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-max-age': '600',
}

interface Answer {
  readonly status: number
  readonly body?: unknown
}

interface BatchMessage {
  readonly topic: string
  readonly event: string
  readonly payload: JsonObject
  readonly private: boolean
}

/** Broadcasts without a socket, and the health check. */
export async function handleRequest(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await context.gate.passed()
  let answer: Answer
  try {
    answer = await route(context, request)
  } catch (thrown) {
    context.options.logger.error({ cause: String(thrown) }, 'request failed')
    answer = { status: 500, body: { message: 'Internal server error' } }
  }
  const { status, body } = answer
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8'
  const allowed = request.headers['access-control-request-headers']
  response.writeHead(status, {
    ...cors,
    ...(allowed === undefined ? {} : { 'access-control-allow-headers': allowed }),
    ...(text === '' ? {} : { 'content-type': type }),
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

async function route(context: Context, request: IncomingMessage): Promise<Answer> {
  if (request.method === 'OPTIONS') return { status: 204 }
  const url = parseUrl(request.url)
  const path = url?.pathname ?? ''
  if (path.endsWith('/healthcheck')) return { status: 200, body: 'ok' }
  const single = /\/api\/broadcast\/([^/]+)\/events\/([^/]+)$/.exec(path)
  if (single === null && !path.endsWith('/api/broadcast'))
    return { status: 404, body: { message: 'Not found' } }
  if (request.method !== 'POST') return { status: 405, body: { message: 'Method not allowed' } }
  const claims = await authenticate(context, request)
  if (claims === undefined) return { status: 401, body: { message: 'Unauthorized' } }
  const body = await readBody(request)
  if (body === undefined) return { status: 413, body: { message: 'Payload too large' } }
  if (single === null) return await batch(context, request, claims, body)
  const [topic, event] = single.slice(1).map(decodeSegment)
  if (topic === undefined || event === undefined) return { status: 400, body: { message: 'Malformed path' } }
  const isPrivate = url?.searchParams.get('private') === 'true'
  return await one(context, request, claims, { topic, event, private: isPrivate, body })
}

async function authenticate(context: Context, request: IncomingMessage): Promise<Claims | undefined> {
  const bearer = /^bearer\s+(.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const apikey = request.headers.apikey
  const token = bearer ?? (typeof apikey === 'string' ? apikey : undefined)
  if (token === undefined) return undefined
  const verdict = await context.tokens.verify(token)
  return verdict.fault === undefined ? verdict.claims : undefined
}

async function one(
  context: Context,
  request: IncomingMessage,
  claims: Claims,
  message: { topic: string; event: string; private: boolean; body: Buffer },
): Promise<Answer> {
  const { topic, event, body } = message
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json' && type !== 'application/octet-stream')
    return { status: 415, body: { message: 'Unsupported Media Type' } }
  const encoding = type === 'application/json' ? 'json' : 'binary'
  if (encoding === 'json' && !isJson(body)) return { status: 400, body: { message: 'Malformed JSON' } }
  if (isTooLong(context, body.length) || !fits(`realtime:${topic}`) || !fits(event))
    return { status: 422, body: { errors: { payload: ['is too long'] } } }
  if (context.events.isTripped()) return tooMany('You have exceeded your rate limit')
  if (message.private && !(await mayWrite(context, request, claims, topic)))
    return { status: 403, body: { message: 'Forbidden' } }
  const address = { sub: topic, private: message.private }
  context.hub.publish(address, userBroadcast(topic, { event, encoding, payload: body }))
  return { status: 202 }
}

async function batch(
  context: Context,
  request: IncomingMessage,
  claims: Claims,
  body: Buffer,
): Promise<Answer> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') return { status: 415, body: { message: 'Unsupported Media Type' } }
  if (!isJson(body)) return { status: 400, body: { message: 'Malformed JSON' } }
  const messages = parseBatch(context, parseLossless(body.toString('utf8')))
  if (!Array.isArray(messages)) return { status: 422, body: messages }
  if (context.events.isTripped()) return tooMany('You have exceeded your rate limit')
  if (context.events.isTripped(messages.length))
    return tooMany('Too many messages to broadcast, please reduce the batch size')
  const allowed = new Map<string, boolean>()
  for (const { topic, event, payload, private: isPrivate } of messages) {
    if (isPrivate && !allowed.has(topic)) allowed.set(topic, await mayWrite(context, request, claims, topic))
    if (isPrivate && allowed.get(topic) !== true) continue
    const broadcast = textBroadcast(topic, { event, payload, type: 'broadcast' })
    context.hub.publish({ sub: topic, private: isPrivate }, broadcast)
  }
  return { status: 202 }
}

/** The messages, or what is wrong with each of them. */
function parseBatch(context: Context, body: unknown): BatchMessage[] | { errors: object } {
  const messages = isObject(body) ? body.messages : undefined
  if (!Array.isArray(messages)) {
    const fault = messages === undefined || messages === null ? "can't be blank" : 'is invalid'
    return { errors: { messages: [fault] } }
  }
  const faults = messages.map((message) => faultsOf(context, message))
  if (faults.some((fault) => Object.keys(fault).length > 0)) return { errors: { messages: faults } }
  return messages.map(({ topic, event, payload, private: isPrivate }) => ({
    topic,
    event,
    payload,
    private: isPrivate === true || isPrivate === 'true',
  }))
}

function faultsOf(context: Context, message: unknown): Record<string, string[]> {
  const faults: Record<string, string[]> = {}
  const given = isObject(message) ? message : {}
  for (const name of ['topic', 'event', 'payload']) {
    const value = given[name]
    if (value === undefined || value === null || value === '') faults[name] = ["can't be blank"]
    else if (name === 'payload' ? !isObject(value) : typeof value !== 'string') faults[name] = ['is invalid']
  }
  const size = Buffer.byteLength(JSON.stringify(given.payload) ?? '')
  if (isTooLong(context, size)) faults.payload = ['Payload size exceeds tenant limit']
  return faults
}

async function mayWrite(
  context: Context,
  request: IncomingMessage,
  claims: Claims,
  sub: string,
): Promise<boolean> {
  try {
    return await checkWrite(context.database, { sub, claims, headers: customHeaders(request) }, 'broadcast')
  } catch (thrown) {
    context.options.logger.warn({ sub, cause: String(thrown) }, 'write policy could not be asked')
    return false
  }
}

function tooMany(message: string): Answer {
  return { status: 429, body: { message } }
}

function isTooLong(context: Context, bytes: number): boolean {
  return bytes > (context.options.limits.payloadBytes ?? Number.POSITIVE_INFINITY)
}

function fits(field: string): boolean {
  return Buffer.byteLength(field) <= 255
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'))
    return true
  } catch {
    return false
  }
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += (chunk as Buffer).length
    if (length <= maxBodyBytes) chunks.push(chunk as Buffer)
  }
  return length > maxBodyBytes ? undefined : Buffer.concat(chunks)
}
