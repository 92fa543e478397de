import type { Incoming, Outgoing, UserBroadcast } from './frames.ts'
import { isRef } from './frames-v1.ts'
import { isObject, parseLossless } from './json.ts'

/** The only binary frames this server reads and writes. Phoenix's own kinds 0, 1 and 2 make the client throw. */
const pushKind = 3
const broadcastKind = 4
const encodings = ['binary', 'json'] as const
const pushHeader = 7
/** Lengths of the fields take one byte each. */
export const maxFieldBytes = 255

/** `[join_ref, ref, topic, event, payload]` */
export function decodeText(text: string): Incoming | undefined {
  let message: unknown = JSON.parse(text)
  if (Array.isArray(message) && message[3] === 'broadcast') message = parseLossless(text)
  if (!Array.isArray(message) || message.length !== 5) return undefined
  const [joinRef, ref, topic, event, payload] = message
  if (typeof topic !== 'string' || typeof event !== 'string' || !isRef(ref) || !isRef(joinRef))
    return undefined
  return { joinRef, ref, topic, event, payload }
}

export function encodeText({ joinRef, ref, topic, event, payload }: Outgoing): string {
  return JSON.stringify([joinRef, ref, topic, event, payload])
}

/** A broadcast: seven bytes (kind, five lengths, encoding), the five fields, the payload. */
export function decodeBinary(data: Buffer): Incoming | undefined {
  if (data.length < pushHeader || data[0] !== pushKind) return undefined
  const encoding = encodings[data[6] ?? -1]
  const payloadStart = data.subarray(1, 6).reduce((sum, length) => sum + length, pushHeader)
  if (encoding === undefined || data.length < payloadStart) return undefined
  let offset = pushHeader
  const [joinRef = '', ref = '', topic = '', event = '', meta = ''] = Array.from(
    data.subarray(1, 6),
    (length) => {
      offset += length
      return data.toString('utf8', offset - length, offset)
    },
  )
  if (meta !== '' && !isObject(JSON.parse(meta))) return undefined
  const payload = data.subarray(payloadStart)
  // Goes into the JSON of other clients as it is, so it has to be JSON.
  if (encoding === 'json') JSON.parse(payload.toString('utf8'))
  return {
    joinRef: joinRef === '' ? null : joinRef,
    ref: ref === '' ? null : ref,
    topic,
    event: 'broadcast',
    payload: undefined,
    push: { event, encoding, payload },
  }
}

/** Five bytes (kind, three lengths, encoding), the three fields, the payload. `undefined`: a field is too long. */
export function encodeBroadcast(topic: string, broadcast: UserBroadcast): Buffer | undefined {
  const meta = broadcast.meta === undefined ? '' : JSON.stringify(broadcast.meta)
  const fields = [topic, broadcast.event, meta].map((field) => Buffer.from(field, 'utf8'))
  if (fields.some((field) => field.length > maxFieldBytes)) return undefined
  const lengths = fields.map((field) => field.length)
  const header = Buffer.from([broadcastKind, ...lengths, encodings.indexOf(broadcast.encoding)])
  return Buffer.concat([header, ...fields, broadcast.payload])
}
