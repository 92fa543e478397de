import type { Incoming, Outgoing, UserBroadcast } from './frames.ts'
import { isObject, parseLossless } from './json.ts'

/** `{ topic, event, payload, ref, join_ref }` */
export function decodeText(text: string): Incoming | undefined {
  let message: unknown = JSON.parse(text)
  if (isObject(message) && message.event === 'broadcast') message = parseLossless(text)
  if (!isObject(message)) return undefined
  const { topic, event, payload, ref = null, join_ref: joinRef = null } = message
  if (typeof topic !== 'string' || typeof event !== 'string' || !isRef(ref) || !isRef(joinRef))
    return undefined
  return { joinRef, ref, topic, event, payload }
}

/** Without `join_ref`, as Phoenix does. */
export function encodeText({ topic, event, payload, ref }: Outgoing): string {
  return JSON.stringify({ topic, event, payload, ref })
}

/** The bytes of a binary payload have no place in JSON. */
export function encodeBroadcast(topic: string, broadcast: UserBroadcast): string | undefined {
  if (broadcast.encoding === 'binary') return undefined
  const meta = broadcast.meta === undefined ? '' : `,"meta":${JSON.stringify(broadcast.meta)}`
  const payload = `{"event":${JSON.stringify(broadcast.event)},"payload":${broadcast.payload},"type":"broadcast"${meta}}`
  return `{"topic":${JSON.stringify(topic)},"event":"broadcast","payload":${payload},"ref":null}`
}

export function isRef(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
