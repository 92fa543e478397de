import type { Clock } from '../clock.ts'
import type { LeasedMessage, MessageHeaders } from '../contract/message.ts'
import { messageHeader } from '../contract/message.ts'
import type {
  OutgoingMessage,
  ProbeResult,
  QueueMetrics,
  ReadInput,
  ReadResult,
  SettleInput,
  Settlement,
  SettleResult,
} from '../contract/queue.ts'
import { Disposables } from '../disposables.ts'
import type { Plugin } from '../plugin.ts'
import { createService, type Service } from '../service.ts'

interface StoredMessage {
  id: string
  readCount: number
  enqueuedAt: number
  visibleAt: number
  payload: unknown
  headers: MessageHeaders | null
}

interface StoredQueue {
  messages: StoredMessage[]
  archive: StoredMessage[]
  lastId: number
}

/** The queues of a {@link memoryQueue}, to look at and to disturb from a test. */
export interface MemoryQueue extends Service {
  send(queue: string, ...messages: OutgoingMessage[]): readonly string[]
  messages(queue: string): readonly Readonly<StoredMessage>[]
  archive(queue: string): readonly Readonly<StoredMessage>[]
  /** While set, every request is refused with this error. */
  failWith: Error | undefined
  /** How often each request was asked. */
  readonly asked: ReadonlyMap<string, number>
}

/**
 * A queue in memory that answers the `queue:*` requests a worker asks, for tests that need no database. It behaves like
 * `@aimq/queue` as far as `describeQueueContract` says.
 */
export function memoryQueue(queues: readonly string[]): Plugin<MemoryQueue> {
  return {
    name: 'queue',
    create({ bus, clock }) {
      const store = new Map<string, StoredQueue>(
        queues.map((name) => [name, { messages: [], archive: [], lastId: 0 }]),
      )
      const asked = new Map<string, number>()
      const handlers = new Disposables()

      const find = (name: string): StoredQueue => {
        const queue = store.get(name)
        if (queue === undefined)
          throw Object.assign(new Error(`queue "${name}" does not exist`), { code: 'queue/not-found' })
        return queue
      }
      const create = (name: string): StoredQueue => {
        const queue = store.get(name) ?? { messages: [], archive: [], lastId: 0 }
        store.set(name, queue)
        return queue
      }
      const handle: typeof bus.handle = (name, handler) =>
        handlers.add(
          bus.handle(name, async (input, options) => {
            asked.set(name, (asked.get(name) ?? 0) + 1)
            if (service.failWith !== undefined) throw service.failWith
            return handler(structuredClone(input), options)
          }),
        )

      const lifecycle = createService({
        name: 'queue',
        async start() {
          handle('queue:create', async ({ queue }) => {
            const created = !store.has(queue)
            create(queue)
            return { created }
          })
          handle('queue:send', async ({ queue, messages }) => ({
            ids: send(find(queue), clock, messages),
            duplicateIds: [],
          }))
          handle('queue:read', async (input) => read(find(input.queue), clock, input))
          handle('queue:probe', async ({ queue }) => probe(find(queue), clock))
          handle('queue:settle', async (input) => settle(find(input.queue), clock, input, create))
          handle('queue:extend', async ({ queue, leases, leaseMs }) => {
            const held = leases.filter((lease) => {
              const message = ours(find(queue), lease, true)
              if (message !== undefined) message.visibleAt = clock.now() + leaseMs
              return message !== undefined
            })
            return { lost: leases.filter((lease) => !held.includes(lease)).map((lease) => lease.id) }
          })
          handle('queue:metrics', async ({ queue }) => metrics(queue, find(queue), clock))
        },
        async stop() {
          handlers[Symbol.dispose]()
        },
      })
      const service: MemoryQueue = {
        ...lifecycle,
        send: (queue, ...messages) => send(find(queue), clock, messages),
        messages: (queue) => find(queue).messages,
        archive: (queue) => find(queue).archive,
        failWith: undefined,
        asked,
      }
      return service
    },
  }
}

function send(queue: StoredQueue, clock: Clock, messages: readonly OutgoingMessage[]): string[] {
  return messages.map(({ payload, headers, delayMs, dueAt }) => {
    const id = String(++queue.lastId)
    const visibleAt = dueAt ?? clock.now() + (delayMs ?? 0)
    queue.messages.push({
      id,
      readCount: 0,
      enqueuedAt: clock.now(),
      visibleAt,
      payload,
      headers: headers ?? null,
    })
    return id
  })
}

function read(
  queue: StoredQueue,
  clock: Clock,
  { count, leaseMs }: Pick<ReadInput, 'count' | 'leaseMs'>,
): ReadResult {
  const now = clock.now()
  const ready = queue.messages
    .filter((message) => message.visibleAt <= now)
    .sort((a, b) => a.visibleAt - b.visibleAt)
    .slice(0, count)
  const messages = ready.map((message): LeasedMessage => {
    const dueAt = message.visibleAt
    message.visibleAt = now + leaseMs
    message.readCount++
    const { id, readCount, enqueuedAt, payload, headers } = message
    return { id, readCount, enqueuedAt, payload, headers, dueAt }
  })
  return { messages, readAt: now, next: messages.length === 0 ? probe(queue, clock) : null }
}

function probe({ messages }: StoredQueue, clock: Clock): ProbeResult {
  if (messages.length === 0) return { nextDueInMs: null, newestId: null }
  const earliest = Math.min(...messages.map((message) => message.visibleAt))
  const newest = Math.max(...messages.map((message) => Number(message.id)))
  return { nextDueInMs: Math.min(earliest - clock.now(), 3_600_000), newestId: String(newest) }
}

function settle(
  queue: StoredQueue,
  clock: Clock,
  input: SettleInput,
  create: (name: string) => StoredQueue,
): SettleResult {
  const lost = input.settlements
    .filter((settlement) => !settleOne(queue, clock, settlement, create))
    .map(({ id }) => id)
  return { lost, ...(input.read === undefined ? {} : { read: read(queue, clock, input.read) }) }
}

function settleOne(
  queue: StoredQueue,
  clock: Clock,
  settlement: Settlement,
  create: (name: string) => StoredQueue,
): boolean {
  const completes = settlement.action === 'archive' || settlement.action === 'delete'
  const message = ours(queue, settlement, !completes)
  if (message === undefined) return false
  if (settlement.action === 'release') {
    message.visibleAt = clock.now() + settlement.delayMs
    if (settlement.headers !== undefined) message.headers = { ...message.headers, ...settlement.headers }
    return true
  }
  queue.messages.splice(queue.messages.indexOf(message), 1)
  if (settlement.action === 'archive') queue.archive.push(message)
  if (settlement.action === 'dead-letter') {
    const { reason } = settlement
    const headers = {
      ...message.headers,
      ...settlement.headers,
      [messageHeader.deadLetter]: { id: message.id, reason },
    }
    send(create(settlement.deadLetterQueue), clock, [{ payload: message.payload, headers }])
  }
  return true
}

function ours(
  queue: StoredQueue,
  lease: { id: string; readCount: number; enqueuedAt: number },
  byReadCount: boolean,
) {
  return queue.messages.find(
    ({ id, enqueuedAt, readCount }) =>
      id === lease.id && enqueuedAt === lease.enqueuedAt && (!byReadCount || readCount === lease.readCount),
  )
}

function metrics(name: string, { messages, archive }: StoredQueue, clock: Clock): QueueMetrics {
  const now = clock.now()
  const ready = messages.filter((message) => message.visibleAt <= now)
  const waiting = messages.filter((message) => message.visibleAt > now)
  return {
    queue: name,
    total: messages.length,
    ready: ready.length,
    leased: waiting.filter((message) => message.readCount > 0).length,
    scheduled: waiting.filter((message) => message.readCount === 0).length,
    oldestReadyMs: ready.length === 0 ? null : now - Math.min(...ready.map((message) => message.visibleAt)),
    archived: archive.length,
  }
}
