import { didYouMean, type OutgoingMessage, type SendResult } from '@aimq/events'
import type { Call, Row } from './database.ts'
import { QueueError, queueErrorCodes } from './errors.ts'
import { maxDelayMs, microseconds, refuseInput, show } from './inputs.ts'
import { encodeJson } from './json.ts'
import { encodeHeaders, envelope, isEnvelope } from './message.ts'
import type { Operations } from './operations.ts'
import type { QueueShape } from './queue-shape.ts'
import { statement } from './sql.ts'

/** All of a batch goes as one parameter, and the server holds it several times over while it inserts. */
const maxBatchBytes = 64 * 1024 * 1024
const maxKeyLength = 255
/** How often a batch whose keys make it repeatable is sent again when its connection breaks. */
const repeatAttempts = 4
const repeatPauseMs = 150
/** Rounds for keys that others claim, or that run out, just while we look. One is the rule, two a race. */
const maxRounds = 8

/** What a producer gives for one message. */
export interface DraftMessage extends Omit<OutgoingMessage, 'dueAt'> {
  /** Epoch milliseconds by the database's clock, or a Date. Not together with `delayMs`. */
  readonly dueAt?: number | Date
}

const draftKeys = ['payload', 'headers', 'delayMs', 'dueAt', 'idempotencyKey']

/** The options of a single send. */
export const sendOptionKeys: readonly string[] = [
  ...draftKeys.filter((key) => key !== 'payload'),
  'transaction',
  'signal',
]

/** A misspelt option would be ignored, and the job run at once or twice. */
export function refuseUnknown(queue: string, given: object, known: readonly string[] = draftKeys): void {
  let strange = false
  // Without making anything, since nearly always nothing is.
  for (const key in given) if (!known.includes(key)) strange = true
  if (!strange) return
  const unknown = Object.keys(given).filter((key) => !known.includes(key))
  if (unknown.length === 0) return
  const list = unknown.map((key) => `${show(key)}${didYouMean(key, known)}`).join('; ')
  throw refuseInput(queue, `expected options that send knows, got ${list}`)
}

/** Sends a batch in one round trip: all of it, or nothing. */
export async function sendBatch(
  operations: Operations,
  queue: string,
  drafts: readonly DraftMessage[],
  options: Pick<Call, 'transaction' | 'signal'>,
): Promise<SendResult> {
  // Checked before anything else happens, so that a bad message costs no round trip.
  const prepared = drafts.map((draft) => prepare(operations, queue, draft))
  return sendPrepared(operations, queue, prepared, options)
}

/** The same with messages that were checked. */
export async function sendPrepared(
  operations: Operations,
  queue: string,
  prepared: readonly PreparedMessage[],
  options: Pick<Call, 'transaction' | 'signal'>,
): Promise<SendResult> {
  if (prepared.length === 0) return { ids: [], duplicateIds: [] }
  const call: Call = { operation: 'send', queue, ...options }
  const keyed = prepared.filter((message) => message.key !== undefined).length
  const repeatable = keyed === prepared.length && call.transaction === undefined
  const progress: Progress = { maybeSent: false }
  for (let attempt = 1; ; attempt++) {
    try {
      return await operations.shapes.retrying([queue], call, async () => {
        const shape = operations.shapes.known(queue) ?? (await operations.shapes.of(queue, call))
        return keyed > 0
          ? await sendKeyed(operations, queue, prepared, shape, call, progress)
          : await sendPlain(operations, queue, prepared, shape, call)
      })
    } catch (thrown) {
      if (call.transaction !== undefined) throw thrown
      progress.maybeSent ||= answerIsMissing(thrown)
      if (!progress.maybeSent) throw thrown
      const { code, transient } = thrown as QueueError
      if (!transient || code === queueErrorCodes.timeout || !repeatable || attempt >= repeatAttempts) {
        throw outcomeUnknown(thrown, queue)
      }
      await new Promise((resolve) => setTimeout(resolve, repeatPauseMs * attempt * (0.5 + Math.random())))
    }
  }
}

/** A statement of this send was done, or may have been: whatever fails from now on, its messages may be there. */
interface Progress {
  maybeSent: boolean
}

/** A message that was checked, and is JSON. */
export interface PreparedMessage {
  readonly payload: string
  readonly headers: string | undefined
  /** Whether the payload itself looks like an envelope. */
  readonly envelopeLike: boolean
  /** The rest of the JSON object, each with a comma before it. */
  readonly rest: string
  readonly key: string | undefined
}

/** @throws what is wrong with the message */
export function prepare(operations: Operations, queue: string, draft: DraftMessage): PreparedMessage {
  refuseUnknown(queue, draft)
  const { payload, headers, delayMs, dueAt, idempotencyKey: key } = draft
  const { maxPayloadBytes } = operations.options
  const text = encodeJson(payload, { maxBytes: maxPayloadBytes, what: 'payload', queue })
  if (delayMs !== undefined && dueAt !== undefined) {
    throw refuseInput(queue, 'expected delayMs or dueAt, got both; use one')
  }
  if (key !== undefined) checkKey(key, queue)
  return {
    payload: text,
    headers: headers === undefined ? undefined : encodeHeaders(headers, queue),
    envelopeLike: isEnvelope(payload),
    rest: timing(delayMs, dueAt, queue) + (key === undefined ? '' : `,"key":${JSON.stringify(key)}`),
    key,
  }
}

function timing(delayMs: unknown, dueAt: unknown, queue: string): string {
  if (delayMs !== undefined) {
    if (typeof delayMs === 'number' && delayMs >= 0 && delayMs <= maxDelayMs) return `,"delay":${delayMs}`
    throw refuseInput(
      queue,
      `expected delayMs to be milliseconds from 0 to ${maxDelayMs} (100 years), got ${show(delayMs)}`,
    )
  }
  if (dueAt === undefined) return ''
  const time = dueAt instanceof Date ? dueAt.getTime() : dueAt
  if (typeof time === 'number' && time >= 0 && time <= Date.now() + maxDelayMs)
    return `,"due":${microseconds(time)}`
  throw refuseInput(
    queue,
    `expected dueAt to be a valid Date or epoch milliseconds within 100 years, got ${show(time)}`,
  )
}

function checkKey(key: unknown, queue: string): void {
  const usable = typeof key === 'string' && key.length >= 1 && key.length <= maxKeyLength
  if (usable && key.isWellFormed() && !key.includes('\0')) return
  throw refuseInput(
    queue,
    `expected idempotencyKey to be text of 1 to ${maxKeyLength} characters without U+0000, got ${show(key)}`,
  )
}

/** A batch as JSON. `bare`: payloads and nothing else. */
function encodeBatch(
  messages: readonly PreparedMessage[],
  shape: QueueShape,
  queue: string,
  bare: boolean,
): string {
  const items = messages.map(({ payload, headers, envelopeLike, rest }) => {
    const apart = headers !== undefined && shape.headers ? `,"headers":${headers}` : ''
    const within = shape.headers ? undefined : headers
    const content = envelopeLike || within !== undefined ? envelope(payload, within) : payload
    return bare ? content : `{"payload":${content}${apart}${rest}}`
  })
  const text = `[${items.join(',')}]`
  // A character takes three bytes at most: what is far from the limit need not be counted.
  const bytes = text.length * 3 <= maxBatchBytes ? 0 : Buffer.byteLength(text)
  if (bytes <= maxBatchBytes) return text
  throw refuseInput(
    queue,
    `expected a batch of at most ${maxBatchBytes} bytes, got ${bytes}; send it in several`,
  )
}

async function sendPlain(
  operations: Operations,
  queue: string,
  messages: readonly PreparedMessage[],
  shape: QueueShape,
  call: Call,
): Promise<SendResult> {
  const bare = messages.every(({ headers, rest }) => headers === undefined && rest === '')
  const flags = bare ? [...shape.flags, 'bare'] : shape.flags
  const [row] = await operations.database.run(
    statement('send', { tables: { queue: `q_${queue}` }, flags }),
    { messages: encodeBatch(messages, shape, queue, bare) },
    call,
  )
  return { ids: String(row?.ids).split(','), duplicateIds: [] }
}

async function sendKeyed(
  operations: Operations,
  queue: string,
  messages: readonly PreparedMessage[],
  shape: QueueShape,
  call: Call,
  progress: Progress,
): Promise<SendResult> {
  const ids = new Map<PreparedMessage, string>()
  const duplicates = new Set<string>()
  let open = messages
  for (let round = 1; open.length > 0; round++) {
    if (round > maxRounds) throw unsettled(queue, open)
    const rows = await operations.database.run(
      statement('send-idempotent', { tables: { queue: `q_${queue}` }, flags: shape.flags }),
      {
        messages: encodeBatch(open, shape, queue, false),
        name: queue,
        table: `pgmq.q_${queue}`,
        window: String(operations.options.idempotencyWindowMs),
      },
      call,
    )
    progress.maybeSent ||= rows.some((row) => row.id != null && row.duplicate !== true)
    open = await resolveRaces(operations, queue, open, rows, call, (message, id, duplicate) => {
      ids.set(message, id)
      if (duplicate) duplicates.add(id)
    })
  }
  return {
    ids: messages.map((message) => ids.get(message) as string),
    duplicateIds: [...duplicates],
  }
}

/** Settles each message of a round; those whose key another producer claimed meanwhile are looked up. */
async function resolveRaces(
  operations: Operations,
  queue: string,
  messages: readonly PreparedMessage[],
  rows: readonly Row[],
  call: Call,
  settle: (message: PreparedMessage, id: string, duplicate: boolean) => void,
): Promise<readonly PreparedMessage[]> {
  const racing = messages.filter((_, index) => rows[index]?.id == null)
  messages.forEach((message, index) => {
    const row = rows[index]
    if (row?.id != null) settle(message, String(row.id), row.duplicate === true)
  })
  if (racing.length === 0) return []
  const found = await operations.database.run(
    statement('idempotency-lookup'),
    { name: queue, keys: JSON.stringify(racing.map((message) => message.key)) },
    call,
  )
  const byKey = new Map(found.map((row) => [String(row.key), String(row.id)]))
  return racing.filter((message) => {
    const id = byKey.get(message.key as string)
    if (id !== undefined) settle(message, id, true)
    return id === undefined
  })
}

function unsettled(queue: string, open: readonly PreparedMessage[]): QueueError {
  return new QueueError(
    queueErrorCodes.contended,
    `send "${queue}": ${open.length} idempotency keys changed hands ${maxRounds} times while they were looked up; the other messages were sent; send these again`,
    { queue },
  )
}

/** Whether what `thrown` is about may have happened. */
function answerIsMissing(thrown: unknown): boolean {
  if (!(thrown instanceof QueueError)) return false
  // A timeout without a cause is our own deadline; one with a cause is the database's, which undid the statement.
  const overdue = thrown.code === queueErrorCodes.timeout && thrown.cause === undefined
  return overdue || thrown.code === queueErrorCodes.connectionLost
}

/** A send that may have happened is never reported as one that failed, nor as one that did not. */
function outcomeUnknown(thrown: unknown, queue: string): unknown {
  const { code, cause, message } = thrown as QueueError
  // Ours about keys says itself what was sent; the database's is of a statement that was not the first.
  if (code === queueErrorCodes.contended && cause === undefined) return thrown
  return new QueueError(
    queueErrorCodes.outcomeUnknown,
    `send "${queue}": the answer never came, so the messages may be in the queue or not; send again with the same idempotencyKey to be sure, or without one where twice does no harm (${message})`,
    { cause: thrown, queue },
  )
}
