import { AimqError, redact } from '@aimq/events'

export const triggersErrorCodes = {
  /** Options or an input that cannot be used; every fault is named. */
  invalidOptions: 'triggers/invalid-options',
  /** A queue that is to have a trigger is not there. */
  queueMissing: 'triggers/queue-missing',
  /** A queue that cannot have one, because it is unlogged; or a table that cannot be watched as asked. */
  unsupportedQueue: 'triggers/unsupported-queue',
  /** A table job that this database cannot have: no such table or column, or SQL that it does not understand. */
  tableJobRefused: 'triggers/table-job-refused',
  /** Somebody else's trigger has the name that ours needs. */
  foreignTrigger: 'triggers/foreign-trigger',
  /** The database has no pgmq. */
  pgmqMissing: 'triggers/pgmq-missing',
  /** Realtime hints were asked for, and the database has no `realtime.send`. */
  realtimeMissing: 'triggers/realtime-missing',
  /** Other transactions held the tables for as long as we were willing to try. */
  busy: 'triggers/busy',
  /** The given client is in the middle of a transaction. */
  inTransaction: 'triggers/in-transaction',
  /** The role lacks a right. */
  permissionDenied: 'triggers/permission-denied',
  /** Nobody usable answers, or the connection broke: nothing was changed, or all of it was. */
  unreachable: 'triggers/unreachable',
  /** Any other error of the database. */
  databaseFailed: 'triggers/database-failed',
} as const

export type TriggersErrorCode = (typeof triggersErrorCodes)[keyof typeof triggersErrorCodes]

export class TriggersError extends AimqError<TriggersErrorCode> {
  constructor(code: TriggersErrorCode, message: string, options?: ErrorOptions) {
    super(code, redact(message), options)
  }
}
