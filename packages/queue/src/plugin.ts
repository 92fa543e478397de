import {
  createService,
  type OutgoingMessage,
  type Plugin,
  type RequestHandler,
  type RequestName,
  type Service,
} from '@aimq/events'
import { type ClientObserver, observedQueueClient, type QueueClient } from './client.ts'
import type { QueueClientOptions } from './options.ts'

/** The queue step, running on a bus. */
export interface QueueService extends Service {
  /** The client behind the requests, for producers in the same process. */
  readonly client: QueueClient
}

/** Step 1 on a bus: answers every `queue:*` request from one client, and says what it did. */
export function queue(options: QueueClientOptions): Plugin<QueueService> {
  return {
    name: 'queue',
    create({ bus, logger }) {
      const observer: ClientObserver = {
        created: (name) => bus.emit('queue:created', { queue: name }),
        dropped: (name) => bus.emit('queue:dropped', { queue: name }),
        purged: (name, count) => bus.emit('queue:purged', { queue: name, count }),
        deadLettered: (letters) => {
          for (const letter of letters) {
            bus.emit('queue:message-dead-lettered', letter)
            bus.emit('job:enqueued', { queue: letter.deadLetterQueue, count: 1, source: 'client' })
          }
        },
        sent: (name, count, dueAt) =>
          bus.emit('job:enqueued', {
            queue: name,
            count,
            ...(dueAt === undefined ? {} : { dueAt }),
            source: 'client',
          }),
        redriven: (targets) => {
          for (const { queue: name, count } of targets) {
            bus.emit('job:enqueued', { queue: name, count, source: 'client' })
          }
        },
      }
      const open = () => observedQueueClient({ logger, ...options }, observer)
      let client = open()
      let handlers: readonly Disposable[] = []

      const service = createService({
        name: 'queue',
        async start(signal) {
          if (client.closed) client = open()
          await client.check({ signal })
          handlers = answerRequests(client, (name, handler) => bus.handle(name, handler))
        },
        async stop() {
          for (const handler of handlers) handler[Symbol.dispose]()
          await client.close()
        },
      })
      return Object.defineProperty(service, 'client', { get: () => client }) as QueueService
    },
  }
}

type Handle = <Name extends RequestName>(name: Name, handler: RequestHandler<Name>) => Disposable

function answerRequests(client: QueueClient, handle: Handle): readonly Disposable[] {
  const handlers: Disposable[] = []
  const answer = <Name extends RequestName>(name: Name, handler: RequestHandler<Name>): void => {
    handlers.push(handle(name, handler))
  }
  answer('queue:create', ({ queue: name, partitioned }, call) =>
    client.create(name, { ...call, ...(partitioned === undefined ? {} : { partitioned }) }),
  )
  answer('queue:drop', ({ queue: name }, call) => client.drop(name, call))
  answer('queue:list', async (_, call) => ({ queues: await client.list(call) }))
  answer('queue:metrics', ({ queue: name }, call) => client.metrics(name, call))
  answer('queue:send', ({ queue: name, messages }, call) =>
    client.sendMany(name, messages.map(knownFields), call),
  )
  answer('queue:read', ({ queue: name, ...wish }, call) => client.read(name, { ...wish, ...call }))
  answer('queue:probe', ({ queue: name }, call) => client.probe(name, call))
  answer('queue:settle', async ({ queue: name, ...wish }, call) => {
    const { lost, read } = await client.settle(name, { ...wish, ...call })
    return read === undefined ? { lost } : { lost, read }
  })
  answer('queue:extend', ({ queue: name, ...wish }, call) => client.extend(name, { ...wish, ...call }))
  answer('queue:peek', async ({ queue: name, ...wish }, call) => ({
    messages: await client.peek(name, { ...wish, ...call }),
  }))
  answer('queue:purge', ({ queue: name }, call) => client.purge(name, call))
  answer('queue:redrive', async ({ queue: name, ...wish }, call) => {
    const { count } = await client.redrive(name, { ...wish, ...call })
    return { count }
  })
  answer('queue:install', async (_, call) => {
    await client.install(call)
    return {}
  })
  answer('queue:capabilities', (_, call) => client.capabilities(call))
  return handlers
}

/** On the bus the contract may have grown: what this version does not know is left out, not refused. */
function knownFields({ payload, headers, delayMs, dueAt, idempotencyKey }: OutgoingMessage): OutgoingMessage {
  return {
    payload,
    ...(headers === undefined ? {} : { headers }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(dueAt === undefined ? {} : { dueAt }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  }
}
