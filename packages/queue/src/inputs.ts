import type { Lease } from '@aimq/events'
import { QueueError, queueErrorCodes } from './errors.ts'

/** A century: what is meant to be later than that is a mistake in the unit. */
export const maxDelayMs: number = 100 * 365.25 * 86_400_000
/** A lease is short and renewed; half a day is the longest any queue of this kind allows. */
export const maxLeaseMs: number = 12 * 3_600_000
/** Messages in one read: more would keep the connection longer than it takes to work them. */
export const maxReadCount = 10_000

export function refuseInput(queue: string | undefined, message: string): QueueError {
  const prefix = queue === undefined ? '' : `queue "${queue}": `
  return new QueueError(queueErrorCodes.invalidInput, `${prefix}${message}`, { queue })
}

/** `value` as text to bind, when it is a whole number in range. */
export function wholeNumber(
  value: unknown,
  what: string,
  limits: { least: number; most: number; queue?: string },
): string {
  if (Number.isInteger(value) && (value as number) >= limits.least && (value as number) <= limits.most) {
    return String(value)
  }
  throw refuseInput(
    limits.queue,
    `expected ${what} to be a whole number from ${limits.least} to ${limits.most}, got ${show(value)}`,
  )
}

/** `value` as text to bind, when it is a duration in range. */
export function duration(
  value: unknown,
  what: string,
  limits: { least: number; most: number; queue?: string },
): string {
  if (typeof value === 'number' && value >= limits.least && value <= limits.most) return String(value)
  throw refuseInput(
    limits.queue,
    `expected ${what} to be milliseconds from ${limits.least} to ${limits.most}, got ${show(value)}`,
  )
}

/** A message id is opaque to callers and a bigint to PostgreSQL. */
export function messageId(value: unknown, queue: string): string {
  if (typeof value === 'string' && /^\d{1,18}$/.test(value)) return value
  throw refuseInput(
    queue,
    `expected a message id as this package gave it, a string of digits, got ${show(value)}`,
  )
}

/** A lease as the statements take it: the time as whole microseconds, which a double holds exactly. */
export function fenceOf(lease: Lease, queue: string): { id: string; read_ct: number; enqueued: number } {
  const id = messageId(lease?.id, queue)
  if (!Number.isInteger(lease.readCount) || lease.readCount < 0 || !Number.isFinite(lease.enqueuedAt)) {
    throw refuseInput(
      queue,
      `expected the lease of message ${id} with the readCount and enqueuedAt it was read with, got ${show(lease.readCount)} and ${show(lease.enqueuedAt)}`,
    )
  }
  return { id, read_ct: lease.readCount, enqueued: microseconds(lease.enqueuedAt) }
}

export function microseconds(epochMs: number): number {
  return Math.round(epochMs * 1000)
}

export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80))
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'symbol' || typeof value === 'function' ? `a ${typeof value}` : String(value)
}

/** Ids by age: longer is later, and of equal length the greater text. */
export function compareIds(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
}
