import type { LeasedMessage, MessageHeaders, PeekedMessage } from '@aimq/events'
import type { Row } from './database.ts'
import { QueueError, queueErrorCodes } from './errors.ts'
import { show } from './inputs.ts'
import { decodeJson, encodeJson } from './json.ts'

/** Headers are for the machinery; what is larger belongs into the payload. */
const maxHeaderBytes = 8192
/** AIMQ's own headers carry an error text of up to 8 KiB, which escaping may double and more. */
const maxOwnHeaderBytes = 65_536
const ownPrefix = 'x-aimq-'

/** Headers of a producer, as JSON. */
export function encodeHeaders(headers: unknown, queue: string): string {
  const own = Object.keys(requireObject(headers, queue)).find((key) => key.startsWith(ownPrefix))
  if (own !== undefined) {
    throw refuseHeaders(
      queue,
      `expected headers of your own, got "${own}"; names that begin with ${ownPrefix} are AIMQ's`,
    )
  }
  return encodeJson(headers, {
    maxBytes: maxHeaderBytes,
    what: 'headers',
    code: queueErrorCodes.invalidHeaders,
    queue,
  })
}

/** Headers of a settlement, AIMQ's own included, checked and as data. */
export function checkedHeaders(
  headers: MessageHeaders | undefined,
  queue: string,
): MessageHeaders | undefined {
  // Null too: a message that was read has it for none, and spreading a message into its settlement is natural.
  if (headers == null) return undefined
  encodeJson(requireObject(headers, queue), {
    maxBytes: maxOwnHeaderBytes,
    what: 'headers',
    code: queueErrorCodes.invalidHeaders,
    queue,
  })
  return headers
}

function requireObject(headers: unknown, queue: string): object {
  if (typeof headers === 'object' && headers !== null && !Array.isArray(headers)) return headers
  throw refuseHeaders(queue, `expected headers to be a plain object, got ${show(headers)}`)
}

function refuseHeaders(queue: string, message: string): QueueError {
  return new QueueError(queueErrorCodes.invalidHeaders, `queue "${queue}": ${message}`, { queue })
}

/** Tells our envelopes from payloads that look similar. In the name space that is ours. */
const envelopeMark = 'x-aimq-envelope'

/**
 * Where a queue's table has no column for headers, a message with headers is
 * `{ "aimq": { "x-aimq-envelope": 1, … }, "payload": … }`. It is opened wherever it is met, so that what was sent before
 * pgmq was upgraded is still read after; and a payload that looks like one is put into one, so that nothing is lost.
 */
export function isEnvelope(value: unknown): value is { aimq: MessageHeaders; payload: unknown } {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'aimq')) return false
  const { aimq } = value as { aimq: unknown }
  return typeof aimq === 'object' && aimq !== null && Object.hasOwn(aimq, envelopeMark)
}

/** JSON of the envelope around JSON of a payload and of headers. */
export function envelope(payload: string, headers: string | undefined): string {
  const rest = headers === undefined || headers === '{}' ? '}' : `,${headers.slice(1)}`
  return `{"aimq":{"${envelopeMark}":1${rest},"payload":${payload}}`
}

interface Content {
  readonly payload: unknown
  readonly headers: MessageHeaders | null
}

function contentOf(message: string | null, encodedHeaders: string | null): Content {
  const payload = decodeJson(message)
  const headers = decodeJson(encodedHeaders) as MessageHeaders | null
  if (!isEnvelope(payload)) return { payload, headers }
  const { [envelopeMark]: _, ...enclosed } = payload.aimq
  const all = { ...enclosed, ...headers }
  return { payload: payload.payload, headers: Object.keys(all).length === 0 ? null : all }
}

/** Adds the messages of a row that stands for many: lists, separated by commas, and JSON, a line for each. */
export function addLeasedMessages(messages: LeasedMessage[], row: Row, queue: string): void {
  const ids = String(row.ids).split(',')
  const reads = String(row.reads).split(',')
  const enqueued = String(row.enqueued).split(',')
  const due = String(row.due).split(',')
  const payloads = String(row.messages).split('\n')
  const headers = row.headers == null ? undefined : String(row.headers).split('\n')
  for (const list of [reads, enqueued, due, payloads, headers ?? ids]) {
    // No message may be given to another's job.
    if (list.length !== ids.length) throw refuseList(queue, ids.length, list.length)
  }
  for (let n = 0; n < ids.length; n++) {
    const content = contentOf(payloads[n] ?? null, headers?.[n] ?? null)
    messages.push({
      id: ids[n] as string,
      readCount: Number(reads[n]),
      enqueuedAt: Number(enqueued[n]),
      dueAt: Number(due[n]),
      payload: content.payload,
      headers: content.headers,
    })
  }
}

function refuseList(queue: string, expected: number, got: number): QueueError {
  return new QueueError(
    queueErrorCodes.databaseFailed,
    `queue "${queue}": expected ${expected} values in each list of a read, got ${got}; compare the columns of pgmq.q_${queue} with those of a queue that pgmq makes`,
    { queue },
  )
}

export function peekedMessage(row: Row): PeekedMessage {
  return {
    id: String(row.id),
    readCount: Number(row.reads),
    enqueuedAt: Number(row.enqueued),
    visibleAt: Number(row.visible),
    archivedAt: row.archived == null ? null : Number(row.archived),
    ...contentOf(row.payload as string | null, (row.headers ?? null) as string | null),
  }
}
