import { AimqError, redact } from '@aimq/events'

export const queueErrorCodes = {
  /** Options that cannot be used; every fault is named. */
  invalidOptions: 'queue/invalid-options',
  /** A payload that JSON cannot carry unchanged, or that is too large. */
  invalidPayload: 'queue/invalid-payload',
  /** Headers that are no plain object, too large, or in AIMQ's own name space. */
  invalidHeaders: 'queue/invalid-headers',
  /** An argument out of range: a count, a delay, an id, a key. */
  invalidInput: 'queue/invalid-input',
  /** There is no such queue. */
  notFound: 'queue/not-found',
  /** The queue is unlogged: a crash of the database empties it and lets ids start again. */
  unlogged: 'queue/unlogged',
  /** The database has no pgmq. */
  pgmqMissing: 'queue/pgmq-missing',
  /** A partitioned queue needs pg_partman. */
  partmanMissing: 'queue/partman-missing',
  /** The table of idempotency keys is not there. */
  idempotencyNotInstalled: 'queue/idempotency-not-installed',
  /** Our SQL was installed by a version with other SQL under the same name. */
  migrationChanged: 'queue/migration-changed',
  /** The role lacks a right; the message names the GRANT. */
  permissionDenied: 'queue/permission-denied',
  /** Nobody answers at this host and port. */
  unreachable: 'queue/unreachable',
  /** The database refused the user or the password. */
  authenticationFailed: 'queue/authentication-failed',
  /** There is no such database on the server. */
  databaseMissing: 'queue/database-missing',
  /** No trusted TLS connection could be made. */
  tlsFailed: 'queue/tls-failed',
  /** The database takes no writes: a replica, or in the middle of a failover. */
  readOnly: 'queue/read-only',
  /** The database cannot serve at the moment: starting, stopping, out of connections, disk or memory. */
  unavailable: 'queue/unavailable',
  /** The connection broke before the answer came. */
  connectionLost: 'queue/connection-lost',
  /** No answer within the deadline; the connection was given up. */
  timeout: 'queue/timeout',
  /** The connection broke while a send was under way: it may have happened or not. */
  outcomeUnknown: 'queue/outcome-unknown',
  /** Other transactions were in the way, and still were after some retries. */
  contended: 'queue/contended',
  /** The client was closed. */
  closed: 'queue/closed',
  /** Any other error of the database. */
  databaseFailed: 'queue/database-failed',
} as const

export type QueueErrorCode = (typeof queueErrorCodes)[keyof typeof queueErrorCodes]

const transientCodes: ReadonlySet<QueueErrorCode> = new Set([
  queueErrorCodes.unreachable,
  queueErrorCodes.readOnly,
  queueErrorCodes.unavailable,
  queueErrorCodes.connectionLost,
  queueErrorCodes.timeout,
  queueErrorCodes.outcomeUnknown,
  queueErrorCodes.contended,
])

export interface QueueErrorOptions extends ErrorOptions {
  readonly queue?: string | undefined
}

export class QueueError extends AimqError<QueueErrorCode> {
  /** True when the same call may succeed later without anybody changing anything. */
  readonly transient: boolean
  /** The queue it is about, when it is about one. */
  readonly queue: string | undefined

  constructor(code: QueueErrorCode, message: string, options: QueueErrorOptions = {}) {
    super(code, redact(message), 'cause' in options ? { cause: options.cause } : undefined)
    this.transient = transientCodes.has(code)
    this.queue = options.queue
  }
}

/** Whether `error` is one of ours, also across two copies of the package in one process. */
export function isQueueError(error: unknown): error is QueueError {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('queue/')
  )
}
