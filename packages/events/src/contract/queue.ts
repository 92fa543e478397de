import type { EpochMs, Lease, LeasedMessage, Message, MessageHeaders, PeekedMessage } from './message.ts'

export interface QueueFacts {
  'queue:created': { readonly queue: string }
  'queue:dropped': { readonly queue: string }
  'queue:purged': { readonly queue: string; readonly count: number }
  /** A message was moved to its dead-letter queue, in the same statement that took it out of `queue`. */
  'queue:message-dead-lettered': {
    readonly queue: string
    readonly id: string
    readonly deadLetterQueue: string
    readonly deadLetterId: string
    readonly reason: string
  }
}

export interface QueueRequests {
  'queue:create': { input: CreateQueueInput; output: { readonly created: boolean } }
  'queue:drop': { input: { readonly queue: string }; output: { readonly dropped: boolean } }
  'queue:list': { input: Record<never, never>; output: { readonly queues: readonly QueueInfo[] } }
  'queue:metrics': { input: { readonly queue: string }; output: QueueMetrics }
  'queue:send': { input: SendInput; output: SendResult }
  'queue:read': { input: ReadInput; output: ReadResult }
  /** Looks without leasing: is something due, and did anything new come? Cheaper than a read that finds nothing. */
  'queue:probe': { input: { readonly queue: string }; output: ProbeResult }
  /** Every finished job of the moment in one go, and the next read on the same round trip if wanted. */
  'queue:settle': { input: SettleInput; output: SettleResult }
  /** Renews leases; answers with those that were lost. */
  'queue:extend': { input: ExtendInput; output: { readonly lost: readonly string[] } }
  'queue:peek': { input: PeekInput; output: { readonly messages: readonly PeekedMessage[] } }
  'queue:purge': { input: { readonly queue: string }; output: { readonly count: number } }
  'queue:redrive': { input: RedriveInput; output: { readonly count: number } }
  /** Makes the table that idempotency keys need, unless it is there. */
  'queue:install': { input: Record<never, never>; output: Record<never, never> }
  'queue:capabilities': { input: Record<never, never>; output: QueueCapabilities }
}

export interface CreateQueueInput {
  readonly queue: string
  /** Needs pg_partman. Intervals as pgmq takes them: a number of messages, or a duration such as `1 day`. */
  readonly partitioned?: { readonly partitionInterval?: string; readonly retentionInterval?: string }
}

export interface QueueInfo {
  readonly queue: string
  readonly partitioned: boolean
  /** Unlogged queues lose their messages in a crash; AIMQ lists them and refuses to work them. */
  readonly unlogged: boolean
  readonly createdAt: EpochMs
}

/** Counts of one queue at one moment. pgmq does not keep them, so this scans the queue. */
export interface QueueMetrics {
  readonly queue: string
  /** All messages in the queue. */
  readonly total: number
  /** Visible now. */
  readonly ready: number
  /** Not visible and read before: being worked, or waiting for a retry. */
  readonly leased: number
  /** Not visible and never read: sent with a delay. */
  readonly scheduled: number
  /** Age of the message that has been ready longest, in milliseconds; null when none is ready. */
  readonly oldestReadyMs: number | null
  /** Messages in the archive. */
  readonly archived: number
}

export interface OutgoingMessage {
  readonly payload: unknown
  readonly headers?: MessageHeaders
  /** Milliseconds from now, by the database's clock. Not together with `dueAt`. */
  readonly delayMs?: number
  readonly dueAt?: EpochMs
  /** The same key twice within the window is one message. */
  readonly idempotencyKey?: string
}

export interface SendInput {
  readonly queue: string
  readonly messages: readonly OutgoingMessage[]
}

export interface SendResult {
  /** One id per message, in the order given. A message that was there already answers with the id it has. */
  readonly ids: readonly string[]
  /** Those of `ids` that an idempotency key found already sent. */
  readonly duplicateIds: readonly string[]
}

export interface ReadInput {
  readonly queue: string
  readonly count: number
  /** How long the messages stay invisible to others, in milliseconds. */
  readonly leaseMs: number
}

export interface ProbeResult {
  /** Milliseconds until the next message is due, by the database's clock; 0 or less: due now; null: the queue is empty. At most one hour. */
  readonly nextDueInMs: number | null
  /** The highest id in the queue: it grows when something new came. */
  readonly newestId: string | null
}

export interface ReadResult {
  readonly messages: readonly LeasedMessage[]
  /** The database's clock when it read. */
  readonly readAt: EpochMs
  /** What a probe would have said, when nothing was found; null otherwise. */
  readonly next: ProbeResult | null
}

/** What becomes of a message in hand. Each touches it only while the lease named is still ours. */
export type Settlement =
  /** Done. `archive` keeps it in pgmq's archive, `delete` does not. Fenced without the read count: the work is done either way. */
  | (Lease & { readonly action: 'archive' | 'delete' })
  /** Back into the queue, visible after `delayMs`; `headers` are merged into the message's own. */
  | (Lease & { readonly action: 'release'; readonly delayMs: number; readonly headers?: MessageHeaders })
  /** Moved, in one statement. `headers` are merged into the message's own. */
  | (Lease & {
      readonly action: 'dead-letter'
      readonly deadLetterQueue: string
      readonly reason: string
      readonly headers?: MessageHeaders
    })

export interface SettleInput {
  readonly queue: string
  readonly settlements: readonly Settlement[]
  readonly read?: { readonly count: number; readonly leaseMs: number }
}

export interface SettleResult {
  /** Ids whose lease was no longer ours: nothing was changed for them. */
  readonly lost: readonly string[]
  /**
   * Present when `read` was asked for. Missing then: nothing was found where a backlog went on, and that may not be all:
   * ask `queue:read`.
   */
  readonly read?: ReadResult
}

export interface ExtendInput {
  readonly queue: string
  readonly leases: readonly Lease[]
  /** From now, by the database's clock. */
  readonly leaseMs: number
}

export interface PeekInput {
  readonly queue: string
  /** @default 20 */
  readonly limit?: number
  /** Only ids after this one: pass the last id seen to page on. */
  readonly afterId?: string
  /** Look into the archive instead of the queue. @default false */
  readonly archived?: boolean
}

export interface RedriveInput {
  /** The dead-letter queue. */
  readonly queue: string
  /** Where to send them. @default the queue each came from */
  readonly to?: string
  /** Only these. @default all */
  readonly ids?: readonly string[]
  /** At most this many. @default all */
  readonly limit?: number
}

export interface QueueCapabilities {
  /** For example `18.4`. */
  readonly postgresVersion: string
  /** For example `1.11.1`; null when pgmq was installed as plain SQL. */
  readonly pgmqVersion: string | null
  /** True where `pgmq.create_partitioned` can work. */
  readonly partitioned: boolean
  /** True where the table for idempotency keys is installed. */
  readonly idempotency: boolean
}

export type { Lease, LeasedMessage, Message }
