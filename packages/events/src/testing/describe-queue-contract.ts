import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Bus } from '../bus.ts'
import { messageHeader } from '../contract/message.ts'
import type { ReadResult } from '../contract/queue.ts'

export interface QueueContractHarness {
  /** A bus on which `queue:*` is answered. */
  open(): Promise<Bus>
  close(bus: Bus): Promise<void>
}

/** What a worker relies on in whoever answers `queue:*`, as a suite. */
export function describeQueueContract(label: string, harness: QueueContractHarness): void {
  describe(`${label}, as a queue`, () => {
    let bus: Bus
    let made = 0
    beforeAll(async () => {
      bus = await harness.open()
    })
    afterAll(() => harness.close(bus))

    async function newQueue(): Promise<string> {
      const queue = `contract_${++made}`
      await bus.request('queue:create', { queue })
      return queue
    }
    async function send(queue: string, ...payloads: unknown[]): Promise<readonly string[]> {
      return (await bus.request('queue:send', { queue, messages: payloads.map((payload) => ({ payload })) }))
        .ids
    }
    const read = (queue: string, count = 10, leaseMs = 30_000): Promise<ReadResult> =>
      bus.request('queue:read', { queue, count, leaseMs })
    async function readOne(queue: string) {
      const [message] = (await read(queue, 1)).messages
      if (message === undefined) throw new Error(`expected a message in ${queue}`)
      return message
    }

    it('reads what was sent, payload and count intact', async () => {
      const queue = await newQueue()
      const ids = await send(queue, { to: 'a' }, { to: 'b' })
      const { messages, next } = await read(queue)
      expect(messages.map(({ id }) => id).sort()).toEqual([...ids].sort())
      expect(messages.map(({ payload }) => payload)).toEqual(
        expect.arrayContaining([{ to: 'a' }, { to: 'b' }]),
      )
      expect(messages.map(({ readCount }) => readCount)).toEqual([1, 1])
      expect(next).toBeNull()
    })

    it('hides a read message and says when it is due again', async () => {
      const queue = await newQueue()
      await send(queue, 1)
      await read(queue)
      const { messages, next } = await read(queue)
      expect(messages).toEqual([])
      expect(next?.nextDueInMs).toBeGreaterThan(20_000)
      expect(next?.nextDueInMs).toBeLessThanOrEqual(30_000)
    })

    it('says of an empty queue that nothing is due', async () => {
      const queue = await newQueue()
      expect((await read(queue)).next).toEqual({ nextDueInMs: null, newestId: null })
      expect(await bus.request('queue:probe', { queue })).toEqual({ nextDueInMs: null, newestId: null })
    })

    it('probes without leasing', async () => {
      const queue = await newQueue()
      const [id] = await send(queue, 1)
      const probe = await bus.request('queue:probe', { queue })
      expect(probe.newestId).toBe(id)
      expect(probe.nextDueInMs).toBeLessThanOrEqual(0)
      expect((await read(queue)).messages).toHaveLength(1)
    })

    it('completes a message: out of the queue, not lost', async () => {
      const queue = await newQueue()
      await send(queue, 1, 2)
      const [first, second] = (await read(queue)).messages
      if (first === undefined || second === undefined) throw new Error('expected two messages')
      const settlements = [
        { ...lease(first), action: 'archive' as const },
        { ...lease(second), action: 'delete' as const },
      ]
      expect(await bus.request('queue:settle', { queue, settlements })).toEqual({ lost: [] })
      expect(await bus.request('queue:metrics', { queue })).toMatchObject({ total: 0, archived: 1 })
      expect((await bus.request('queue:settle', { queue, settlements })).lost).toHaveLength(2)
    })

    it('settles and reads on one round trip, without reading what it settles', async () => {
      const queue = await newQueue()
      await send(queue, 1, 2)
      const first = await readOne(queue)
      const settlements = [{ ...lease(first), action: 'release' as const, delayMs: 60_000 }]
      const answer = await bus.request('queue:settle', {
        queue,
        settlements,
        read: { count: 10, leaseMs: 30_000 },
      })
      expect(answer.lost).toEqual([])
      expect(answer.read?.messages).toHaveLength(1)
      expect(answer.read?.messages[0]?.id).not.toBe(first.id)
    })

    it('releases a message after its delay, headers merged', async () => {
      const queue = await newQueue()
      await bus.request('queue:send', { queue, messages: [{ payload: 1, headers: { tenant: 'x' } }] })
      const first = await readOne(queue)
      const headers = { [messageHeader.failures]: 1 }
      await bus.request('queue:settle', {
        queue,
        settlements: [{ ...lease(first), action: 'release', delayMs: 0, headers }],
      })
      const again = await readOne(queue)
      expect(again).toMatchObject({
        id: first.id,
        readCount: 2,
        headers: { tenant: 'x', [messageHeader.failures]: 1 },
      })
    })

    it('changes nothing for a stale lease, and says so', async () => {
      const queue = await newQueue()
      await send(queue, 1)
      const stale = await readOne(queue)
      await bus.request('queue:settle', {
        queue,
        settlements: [{ ...lease(stale), action: 'release', delayMs: 0 }],
      })
      const current = await readOne(queue)
      const late = [
        { ...lease(stale), action: 'release' as const, delayMs: 0 },
        { ...lease(stale), action: 'dead-letter' as const, deadLetterQueue: `${queue}_dlq`, reason: 'late' },
      ]
      for (const settlement of late) {
        expect((await bus.request('queue:settle', { queue, settlements: [settlement] })).lost).toEqual([
          stale.id,
        ])
      }
      expect(await bus.request('queue:extend', { queue, leases: [lease(stale)], leaseMs: 1000 })).toEqual({
        lost: [stale.id],
      })
      expect(await bus.request('queue:extend', { queue, leases: [lease(current)], leaseMs: 1000 })).toEqual({
        lost: [],
      })
      expect(await bus.request('queue:metrics', { queue })).toMatchObject({ total: 1, leased: 1 })
    })

    it('moves a dead letter with its reason, and only once', async () => {
      const queue = await newQueue()
      await send(queue, { to: 'a' })
      const message = await readOne(queue)
      const deadLetterQueue = `${queue}_dlq`
      const settlement = {
        ...lease(message),
        action: 'dead-letter' as const,
        deadLetterQueue,
        reason: 'broken',
      }
      expect(await bus.request('queue:settle', { queue, settlements: [settlement] })).toEqual({ lost: [] })
      expect((await bus.request('queue:settle', { queue, settlements: [settlement] })).lost).toEqual([
        message.id,
      ])
      const dead = (await read(deadLetterQueue)).messages
      expect(dead).toHaveLength(1)
      expect(dead[0]?.payload).toEqual({ to: 'a' })
      expect(dead[0]?.headers?.[messageHeader.deadLetter]).toMatchObject({ id: message.id, reason: 'broken' })
    })

    it('counts ready, leased and scheduled messages apart', async () => {
      const queue = await newQueue()
      await bus.request('queue:send', {
        queue,
        messages: [{ payload: 1 }, { payload: 2 }, { payload: 3, delayMs: 60_000 }],
      })
      await read(queue, 1)
      expect(await bus.request('queue:metrics', { queue })).toMatchObject({
        total: 3,
        ready: 1,
        leased: 1,
        scheduled: 1,
      })
    })

    it('refuses a queue that does not exist by its code', async () => {
      await expect(read('no_such_queue')).rejects.toMatchObject({ code: 'queue/not-found' })
    })
  })
}

function lease({ id, readCount, enqueuedAt }: { id: string; readCount: number; enqueuedAt: number }) {
  return { id, readCount, enqueuedAt }
}
