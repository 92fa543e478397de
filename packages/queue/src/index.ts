/**
 * A pgmq client: send (also inside your own transaction), read, settle, inspect.
 *
 * ```ts
 * import { createQueueClient } from '@aimq/queue'
 *
 * const client = createQueueClient({ connectionString: 'postgres://localhost/app' })
 * await client.create('emails')
 * await client.send('emails', { to: 'ada@example.com' }, { delayMs: 60_000 })
 * ```
 *
 * @module
 */
export {
  type CallOptions,
  createQueueClient,
  type QueueClient,
  type SendOptions,
  type TransactionOptions,
  type TypedDraft,
  type TypedReadResult,
} from './client.ts'
export type { DeadLettered } from './dead-letter.ts'
export {
  isQueueError,
  QueueError,
  type QueueErrorCode,
  type QueueErrorOptions,
  queueErrorCodes,
} from './errors.ts'
export {
  defaults,
  type QueueClientOptions,
  type QueueClientSettings,
  type SqlClient,
} from './options.ts'
export { type QueueService, queue } from './plugin.ts'
export type { PruneOptions } from './prune.ts'
export type { Redriven } from './redrive.ts'
export type { DraftMessage } from './send.ts'
export type { ReadWish, Settled } from './settle.ts'
