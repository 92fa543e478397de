import { queueNamePattern } from '@aimq/events'

/*
 * What travels on channel and topic `aimq:jobs`, version 1:
 *
 *   { "event": "job_enqueued", "queue": "emails", "count": 3, "due_in_ms": 0, "v": 1 }
 *   { …, "again_in_ms": 100 }                   from a throttled trigger: what follows within that time is not told
 *   { "event": "canary", "id": "…", "v": 1 }
 *   { "event": "listener_wanted", "v": 1 }      over NOTIFY only: the triggers were installed, listeners register
 *
 * Anybody may send anything: LISTEN/NOTIFY has no access control. So nothing here throws, unknown fields are ignored,
 * and what is left is only a reason to look. The Python project's `{ "queue", "job_id" }` is a hint, too.
 */

export interface Hint {
  readonly queue: string
  readonly count?: number
  readonly dueInMs?: number
  /** The sender keeps silent for so long: look once more then. */
  readonly againInMs?: number
}

/**
 * Longer texts are no hint, and are not parsed. Ours have about a hundred characters, so that this leaves room for fields to
 * come; NOTIFY itself takes 8,000 bytes, and a storm of those would cost every worker time that hears the channel.
 */
const maxTextLength = 2048
/** A due time farther away than that is left to the poll. */
const maxDueInMs = 3_600_000
/** A trigger that keeps silent for longer than that is not one of ours. */
const maxAgainInMs = 5000
const maxCount = 1_000_000

/** The JSON object in a NOTIFY payload, or undefined. */
export function parsePayload(text: string): object | undefined {
  if (text.length > maxTextLength) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** The hint in a payload, or undefined when it is none. */
export function decodeHint(payload: unknown): Hint | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined
  const {
    queue,
    count,
    due_in_ms: dueInMs,
    again_in_ms: againInMs,
  } = payload as { queue?: unknown; count?: unknown; due_in_ms?: unknown; again_in_ms?: unknown }
  if (typeof queue !== 'string' || !queueNamePattern.test(queue)) return undefined
  return {
    queue,
    ...(isNumber(count) && count >= 1 ? { count: Math.min(Math.floor(count), maxCount) } : {}),
    ...(isNumber(dueInMs) && dueInMs > 0 ? { dueInMs: Math.min(dueInMs, maxDueInMs) } : {}),
    ...(isNumber(againInMs) && againInMs > 0 ? { againInMs: Math.min(againInMs, maxAgainInMs) } : {}),
  }
}

/** The id of a canary, or undefined when the payload is none. */
export function decodeCanary(payload: unknown): string | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined
  const { event, id } = payload as { event?: unknown; id?: unknown }
  return event === 'canary' && typeof id === 'string' && id.length <= 64 ? id : undefined
}

/** Whether whoever installed the triggers asks listeners to register. */
export function isListenerWanted(payload: unknown): boolean {
  return (
    typeof payload === 'object' &&
    payload !== null &&
    (payload as { event?: unknown }).event === 'listener_wanted'
  )
}

export function encodeHint({ queue, count, dueInMs }: Hint): object {
  return { event: 'job_enqueued', queue, count: count ?? 1, due_in_ms: Math.ceil(dueInMs ?? 0), v: 1 }
}

export function encodeCanary(id: string): object {
  return { event: 'canary', id, v: 1 }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
