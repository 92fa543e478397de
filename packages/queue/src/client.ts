import {
  type Lease,
  type LeasedMessage,
  type MessageHeaders,
  type PeekedMessage,
  type ProbeResult,
  type QueueCapabilities,
  type QueueInfo,
  type QueueMetrics,
  type QueueReference,
  queueNameOf,
  type ReadResult,
  type SendResult,
  type Settlement,
  validatePayload,
} from '@aimq/events'
import { readCapabilities, requireUsable } from './capabilities.ts'
import { openDatabase } from './database.ts'
import { extendLeases } from './extend.ts'
import { listQueues, measureQueue, peekMessages, probeQueue } from './inspect.ts'
import { installSchema, uninstallSchema } from './install.ts'
import { createQueue, dropQueue, purgeQueue } from './manage.ts'
import type { Operations } from './operations.ts'
import { type QueueClientOptions, resolveOptions, type SqlClient } from './options.ts'
import { type PruneOptions, pruneArchive, pruneIdempotencyKeys } from './prune.ts'
import { queueShapes } from './queue-shape.ts'
import { ReadFloors } from './read-floors.ts'
import { type Redriven, redriveMessages } from './redrive.ts'
import { type DraftMessage, refuseUnknown, sendBatch, sendOptionKeys } from './send.ts'
import { SendTogether } from './send-together.ts'
import { type ReadWish, readMessages, type Settled, settleMessages } from './settle.ts'

/** Every call takes one: looked at before its statement is sent, since what is under way cannot be taken back. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

export interface TransactionOptions extends CallOptions {
  /** The caller's transaction: what is sent is there when it commits, and was never there when it does not. */
  readonly transaction?: SqlClient | undefined
}

export interface SendOptions extends TransactionOptions {
  readonly headers?: MessageHeaders
  /** Milliseconds from now, by the database's clock. Not together with `dueAt`. */
  readonly delayMs?: number
  /** Epoch milliseconds or a Date. */
  readonly dueAt?: number | Date
  /** The same key twice within the window is one message. Needs {@link QueueClient.install}. */
  readonly idempotencyKey?: string
}

/** A message of a batch, typed by its queue. */
export interface TypedDraft<Payload> extends DraftMessage {
  readonly payload: Payload
}

/** What was read, with the payload as its producer sent it: not yet through the schema's transforms. */
export interface TypedReadResult<Payload> extends ReadResult {
  readonly messages: readonly (LeasedMessage & { readonly payload: Payload })[]
}

export interface QueueClient extends AsyncDisposable {
  readonly closed: boolean
  create(
    queue: QueueReference,
    options?: CallOptions & {
      readonly partitioned?: { readonly partitionInterval?: string; readonly retentionInterval?: string }
    },
  ): Promise<{ readonly created: boolean }>
  /** Drops the queue and its archive. */
  drop(queue: QueueReference, options?: CallOptions): Promise<{ readonly dropped: boolean }>
  list(options?: CallOptions): Promise<QueueInfo[]>
  metrics(queue: QueueReference, options?: CallOptions): Promise<QueueMetrics>
  /** Sends one message and answers with its id. */
  send<Payload = unknown>(
    queue: QueueReference<Payload, unknown>,
    payload: NoInfer<Payload>,
    options?: SendOptions,
  ): Promise<string>
  /** Sends thousands in one round trip: all of them, or none. */
  sendMany<Payload = unknown>(
    queue: QueueReference<Payload, unknown>,
    messages: readonly TypedDraft<NoInfer<Payload>>[],
    options?: TransactionOptions,
  ): Promise<SendResult>
  /**
   * Takes what is due, oldest first, and hides it for `leaseMs`. Answers before the lease is on disk: a server that crashes
   * within 0.6 s (three times its `wal_writer_delay`) may forget it, and the messages are there at once. Not so where the
   * server has synchronous standbys, nor on a `client` of yours, which may be in a transaction.
   */
  read<Payload = unknown>(
    queue: QueueReference<Payload, unknown>,
    options: ReadWish & CallOptions,
  ): Promise<TypedReadResult<Payload>>
  /**
   * Ends leases, and reads what is next in the same round trip when `read` is given. At the end of a backlog the answer
   * may come without `read`: then `read()` tells what is left.
   */
  settle(
    queue: QueueReference,
    options: { readonly settlements: readonly Settlement[]; readonly read?: ReadWish } & CallOptions,
  ): Promise<Settled>
  /** Renews leases; answers with the ids of those that were lost. */
  extend(
    queue: QueueReference,
    options: { readonly leases: readonly Lease[]; readonly leaseMs: number } & CallOptions,
  ): Promise<{ readonly lost: readonly string[] }>
  probe(queue: QueueReference, options?: CallOptions): Promise<ProbeResult>
  /** Looks without leasing, oldest first. */
  peek(
    queue: QueueReference,
    options?: {
      readonly limit?: number
      readonly afterId?: string
      readonly archived?: boolean
    } & CallOptions,
  ): Promise<PeekedMessage[]>
  /** Deletes every message of the queue. Its archive and its idempotency keys stay. */
  purge(queue: QueueReference, options?: CallOptions): Promise<{ readonly count: number }>
  /** Sends dead letters back to where they came from, or to `to`. */
  redrive(
    deadLetterQueue: QueueReference,
    options?: {
      readonly to?: QueueReference
      readonly ids?: readonly string[]
      readonly limit?: number
    } & CallOptions,
  ): Promise<Redriven>
  pruneArchive(
    queue: QueueReference,
    options: PruneOptions & CallOptions,
  ): Promise<{ readonly count: number }>
  pruneIdempotencyKeys(options?: CallOptions): Promise<{ readonly count: number }>
  /** Installs the table that idempotency keys need. Idempotent. */
  install(options?: CallOptions): Promise<void>
  /** Removes what `install` made. */
  uninstall(options?: CallOptions): Promise<void>
  capabilities(options?: CallOptions): Promise<QueueCapabilities>
  /** Fails with one readable error when this database cannot be worked with. */
  check(options?: CallOptions): Promise<void>
  /** Waits for calls in hand, and closes the connections that are ours. */
  close(): Promise<void>
}

/** Told what the client did, once it is done. The plugin makes facts of it. */
export interface ClientObserver {
  created(queue: string): void
  dropped(queue: string): void
  purged(queue: string, count: number): void
  deadLettered(letters: Settled['deadLettered']): void
  /** Not told of sends in the caller's transaction: when that commits is not ours to know. */
  sent(queue: string, count: number, dueAt: number | undefined): void
  redriven(targets: Redriven['targets']): void
}

/** A pgmq client. Connects when it is first used. */
export function createQueueClient(options: QueueClientOptions): QueueClient {
  return observedQueueClient(options, {})
}

export function observedQueueClient(
  input: QueueClientOptions,
  observer: Partial<ClientObserver>,
): QueueClient {
  const options = resolveOptions(input)
  const database = openDatabase(options)
  const operations: Operations = {
    database,
    shapes: queueShapes(database),
    floors: new ReadFloors(),
    options,
    logger: options.logger,
  }

  async function sendAll(
    queue: QueueReference,
    messages: readonly DraftMessage[],
    { transaction, signal }: TransactionOptions,
  ): Promise<SendResult> {
    const name = queueNameOf(queue)
    if (typeof queue === 'object') {
      // The input is sent and the output thrown away: transforms run once, in the worker.
      for (const { payload } of messages) await validatePayload(queue, payload)
    }
    const result = await sendBatch(operations, name, messages, { transaction, signal })
    if (transaction === undefined && messages.length > 0) {
      observer.sent?.(name, messages.length, earliest(messages))
    }
    return result
  }

  const together = new SendTogether(operations, (queue, drafts) => {
    observer.sent?.(queue, drafts.length, earliest(drafts))
  })

  /** One message: beside others of the same moment, unless it has a key or a transaction. */
  async function sendOne(
    queue: QueueReference,
    message: DraftMessage,
    call: TransactionOptions,
  ): Promise<string> {
    if (call.transaction === undefined && message.idempotencyKey === undefined) {
      const name = queueNameOf(queue)
      if (typeof queue === 'object') await validatePayload(queue, message.payload)
      return together.send(name, message, call.signal)
    }
    const { ids } = await sendAll(queue, [message], call)
    return ids[0] as string
  }

  async function close(): Promise<void> {
    const underWay = together.settled()
    if (underWay !== undefined) await underWay
    await database.close()
  }

  const named = (queue: QueueReference): string => queueNameOf(queue)

  const client: QueueClient = {
    get closed() {
      return database.closed
    },
    async create(queue, { partitioned, signal } = {}) {
      const name = named(queue)
      const wish = partitioned === undefined ? { queue: name } : { queue: name, partitioned }
      const created = await createQueue(operations, wish, signal)
      if (created) observer.created?.(name)
      return { created }
    },
    async drop(queue, { signal } = {}) {
      const name = named(queue)
      const dropped = await dropQueue(operations, name, signal)
      if (dropped) observer.dropped?.(name)
      return { dropped }
    },
    list: ({ signal } = {}) => listQueues(operations, signal),
    metrics: async (queue, { signal } = {}) => measureQueue(operations, named(queue), signal),
    async send(queue, payload, options = {}) {
      refuseUnknown(named(queue as QueueReference), options, sendOptionKeys)
      const { headers, delayMs, dueAt, idempotencyKey, ...call } = options
      const message: DraftMessage = {
        payload,
        ...(headers === undefined ? {} : { headers }),
        ...(delayMs === undefined ? {} : { delayMs }),
        ...(dueAt === undefined ? {} : { dueAt }),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      }
      return sendOne(queue as QueueReference, message, call)
    },
    sendMany: (queue, messages, call = {}) => sendAll(queue as QueueReference, messages, call),
    async read<Payload>(
      queue: QueueReference<Payload, unknown>,
      { signal, ...wish }: ReadWish & CallOptions,
    ) {
      const result = await readMessages(operations, named(queue as QueueReference), wish, signal)
      return result as TypedReadResult<Payload>
    },
    async settle(queue, { settlements, read, signal }) {
      const settled = await settleMessages(operations, named(queue), settlements, read, signal)
      if (settled.deadLettered.length > 0) observer.deadLettered?.(settled.deadLettered)
      return settled
    },
    extend: async (queue, { leases, leaseMs, signal }) => ({
      lost: await extendLeases(operations, named(queue), leases, leaseMs, signal),
    }),
    probe: async (queue, { signal } = {}) => probeQueue(operations, named(queue), signal),
    peek: async (queue, { signal, ...wish } = {}) =>
      peekMessages(operations, { queue: named(queue), ...wish }, signal),
    async purge(queue, { signal } = {}) {
      const name = named(queue)
      const count = await purgeQueue(operations, name, signal)
      observer.purged?.(name, count)
      return { count }
    },
    async redrive(queue, { to, signal, ...wish } = {}) {
      const target = to === undefined ? {} : { to: named(to) }
      const redriven = await redriveMessages(operations, { queue: named(queue), ...target, ...wish }, signal)
      observer.redriven?.(redriven.targets)
      return redriven
    },
    pruneArchive: async (queue, { signal, ...wish }) => ({
      count: await pruneArchive(operations, named(queue), wish, signal),
    }),
    pruneIdempotencyKeys: async ({ signal } = {}) => ({
      count: await pruneIdempotencyKeys(operations, signal),
    }),
    install: ({ signal } = {}) => installSchema(operations, signal),
    uninstall: ({ signal } = {}) => uninstallSchema(operations, signal),
    async capabilities({ signal } = {}) {
      const { postgresVersion, pgmqVersion, partitioned, idempotency } = await readCapabilities(
        operations,
        signal,
      )
      return { postgresVersion, pgmqVersion, partitioned, idempotency }
    },
    check: ({ signal } = {}) => requireUsable(operations, signal),
    close,
    [Symbol.asyncDispose]: close,
  }
  return client
}

/** When the first of a batch is due; undefined when one of them is due at once. A hint, so our own clock will do. */
function earliest(messages: readonly DraftMessage[]): number | undefined {
  let soonest = Number.POSITIVE_INFINITY
  for (const { delayMs, dueAt } of messages) {
    const due = dueAt === undefined ? Date.now() + (delayMs ?? 0) : Number(dueAt)
    if (dueAt === undefined && (delayMs ?? 0) === 0) return undefined
    soonest = Math.min(soonest, due)
  }
  return soonest
}
