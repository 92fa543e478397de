import { expect, it } from 'vitest'
import { createQueueClient } from '../src/index.ts'
import { failureOf } from './database.ts'

const lease = { id: '1', readCount: 1, enqueuedAt: 1 }
let queries = 0
const client = createQueueClient({
  client: {
    query: async () => {
      queries += 1
      return { rows: [] }
    },
  },
})

const methods: [string, (queue: string) => Promise<unknown>][] = [
  ['create', (queue) => client.create(queue)],
  ['drop', (queue) => client.drop(queue)],
  ['metrics', (queue) => client.metrics(queue)],
  ['send', (queue) => client.send(queue, 1)],
  ['sendMany', (queue) => client.sendMany(queue, [{ payload: 1 }])],
  ['sendMany of nothing', (queue) => client.sendMany(queue, [])],
  ['read', (queue) => client.read(queue, { count: 1, leaseMs: 1000 })],
  ['settle', (queue) => client.settle(queue, { settlements: [{ ...lease, action: 'archive' }] })],
  [
    'settle to a dead-letter queue',
    (deadLetterQueue) =>
      client.settle('fine', {
        settlements: [{ ...lease, action: 'dead-letter', reason: 'r', deadLetterQueue }],
      }),
  ],
  ['extend', (queue) => client.extend(queue, { leases: [lease], leaseMs: 1000 })],
  ['probe', (queue) => client.probe(queue)],
  ['peek', (queue) => client.peek(queue)],
  ['purge', (queue) => client.purge(queue)],
  ['redrive', (queue) => client.redrive(queue)],
  ['redrive to', (to) => client.redrive('fine', { to })],
  ['pruneArchive', (queue) => client.pruneArchive(queue, { olderThanMs: 1 })],
]

const names: unknown[] = [
  '',
  'a;b',
  'a"b',
  "a'b",
  'MyQ',
  '../q',
  'a b',
  'a-b',
  '1a',
  '_a',
  'q$',
  'a\n',
  'a'.repeat(48),
  'é'.repeat(47),
  'a\0',
  7,
  null,
  undefined,
  {},
  ['a'],
  { name: 'A' },
]

it.each(methods)('%s refuses every bad name without asking the database', async (method, call) => {
  for (const name of names) {
    // Without a target a redrive goes to where each message came from.
    if (name === undefined && method === 'redrive to') continue
    const error = await failureOf(call(name as string).then(() => name))
    expect(error, JSON.stringify(name)).toMatchObject({ code: 'events/invalid-queue-name' })
  }
  expect(queries).toBe(0)
})
