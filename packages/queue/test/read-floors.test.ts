import type { LeasedMessage } from '@aimq/events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createQueueClient, type QueueClient } from '../src/index.ts'
import { bottom, ReadFloors, timestampOf } from '../src/read-floors.ts'
import { createDatabase, type TestDatabase } from './database.ts'

const leaseMs = 60_000

let database: TestDatabase
let client: QueueClient
let counter = 0

beforeAll(async () => {
  database = await createDatabase()
  client = createQueueClient({ connectionString: database.url })
})

afterAll(async () => {
  await client.close()
  await database[Symbol.asyncDispose]()
})

/** A queue with messages that became due a millisecond apart, the last of them a moment ago. */
async function backlogOf(count: number): Promise<string> {
  counter += 1
  const queue = `backlog_${counter}`
  await client.create(queue)
  await database.query(
    `insert into pgmq.q_${queue} (vt, message)
     select clock_timestamp() - n * interval '1 millisecond', to_jsonb(n) from generate_series($1::int, 1, -1) as n`,
    [count],
  )
  return queue
}

/** A message that has been due for an hour, and appears only now: its producer was slow to commit. */
async function appearLate(queue: string): Promise<void> {
  await database.query(
    `insert into pgmq.q_${queue} (vt, message) values (now() - interval '1 hour', '"late"')`,
  )
}

const payloadsOf = (messages: readonly LeasedMessage[]) => messages.map(({ payload }) => payload)

/** Deletes what is in hand, and reads what is next. */
async function workOn(queue: string, inHand: readonly LeasedMessage[], count: number) {
  const settlements = inHand.map((message) => ({ ...message, action: 'delete' as const }))
  return client.settle(queue, { settlements, read: { count, leaseMs } })
}

/** Works two reads, after which a backlog is believed in; answers with the second. */
async function workTwo(queue: string, count: number): Promise<readonly LeasedMessage[]> {
  const first = await client.read(queue, { count, leaseMs })
  const second = await workOn(queue, first.messages, count)
  expect(second.read?.messages).toHaveLength(count)
  return second.read?.messages ?? []
}

/** The next read from the bottom is put off by time alone: a clock that stands still puts it off for ever. */
function stopTheClock(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })
}

describe('where a backlog is worked', () => {
  stopTheClock()

  /** A read from `from` that was full, of messages due from `oldest` to `newest`; answers where the next one begins. */
  function nextAfter(floors: ReadFloors, from: number, oldest: number, newest: number): number {
    const messages = [oldest, newest].map(
      (dueAt): LeasedMessage => ({
        id: String(dueAt),
        readCount: 1,
        enqueuedAt: dueAt,
        dueAt,
        payload: null,
        headers: null,
      }),
    )
    floors.learn('jobs', {
      from,
      sentAt: performance.now(),
      wanted: 2,
      read: { messages, readAt: newest, next: null },
    })
    return floors.of('jobs')
  }

  it('is the end of the last read, whatever lies between two messages', () => {
    const floors = new ReadFloors()
    expect(nextAfter(floors, bottom, 1000, 1010)).toBe(bottom)
    expect(nextAfter(floors, bottom, 1010, 1020)).toBe(1020)
    expect(nextAfter(floors, 1020, 1020, 1030)).toBe(1030)
    expect(nextAfter(floors, 1030, 5000, 5010)).toBe(5010)
    floors.forget('jobs')
    expect(floors.of('jobs')).toBe(bottom)
  })

  it('is the bottom now and then', () => {
    const floors = new ReadFloors()
    nextAfter(floors, bottom, 1000, 1010)
    expect(nextAfter(floors, bottom, 1010, 1020)).toBe(1020)
    vi.advanceTimersByTime(101)
    expect(floors.of('jobs')).toBe(bottom)
    expect(floors.of('jobs')).toBe(1020)
  })

  it('is not moved up by a read that had begun above what one from the bottom found', () => {
    const floors = new ReadFloors()
    nextAfter(floors, bottom, 1000, 1010)
    nextAfter(floors, bottom, 5000, 5010)
    expect(nextAfter(floors, bottom, 900, 910)).toBe(910)
    expect(nextAfter(floors, 5010, 5010, 5020)).toBe(910)
  })

  it('is told to the microsecond', () => {
    expect(timestampOf(Date.UTC(2026, 10, 26, 12, 0, 0, 7) + 0.25)).toBe('2026-11-26T12:00:00.007249Z')
    expect(timestampOf(Date.UTC(2026, 10, 26))).toBe('2026-11-25T23:59:59.999999Z')
    expect(timestampOf(bottom)).toBe('-infinity')
    expect(timestampOf(0)).toBe('-infinity')
  })
})

describe('what appears below the place where a backlog is worked', () => {
  it('is not held up for long', async () => {
    const backlog = 4000
    const queue = await backlogOf(backlog)
    let inHand = await workTwo(queue, 1)
    await appearLate(queue)
    let reads = 0
    while (payloadsOf(inHand)[0] !== 'late') {
      expect(reads++).toBeLessThan(backlog / 2)
      inHand = (await workOn(queue, inHand, 1)).read?.messages ?? []
    }
  })

  it('is found when nothing else is left, before anybody is told that nothing is', async () => {
    const queue = await backlogOf(20)
    const inHand = await workTwo(queue, 10)
    await appearLate(queue)
    const { lost, read } = await workOn(queue, inHand, 10)
    expect(lost).toEqual([])
    // Without an answer it was not looked at everything; with one it was.
    const { messages } = read ?? (await client.read(queue, { count: 10, leaseMs }))
    expect(payloadsOf(messages)).toEqual(['late'])
    const last = await workOn(queue, messages, 10)
    expect(last).toMatchObject({ lost: [], read: { messages: [], next: { nextDueInMs: null } } })
    expect(await client.metrics(queue)).toMatchObject({ total: 0 })
  })

  it('is found by whoever only reads', async () => {
    const queue = await backlogOf(20)
    for (let n = 0; n < 2; n++) await client.read(queue, { count: 5, leaseMs })
    await appearLate(queue)
    const { messages } = await client.read(queue, { count: 1, leaseMs })
    expect(payloadsOf(messages)).toEqual(['late'])
  })
})

describe('a message whose lease ran out, while a backlog is worked', () => {
  stopTheClock()

  it('is read like all others, also while a transaction is open that is older than the lease', async () => {
    const queue = await backlogOf(16)
    const older = await database.pool.connect()
    await older.query('begin; select pg_current_xact_id()')
    await client.read(queue, { count: 1, leaseMs: 1 })
    const inHand = await workTwo(queue, 5)
    const { read } = await workOn(queue, inHand, 5)
    expect(payloadsOf(read?.messages ?? [])).toEqual([5, 4, 3, 2, 1])
    const next = await workOn(queue, read?.messages ?? [], 5)
    await older.query('rollback')
    older.release()
    expect(payloadsOf(next.read?.messages ?? [])).toEqual([16])
  })
})
