import type { Lease } from '@aimq/events'
import { createQueueClient, type QueueClient } from '@aimq/queue'
import { describe, expect, it } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { type PostgresServer, startPostgresServer } from '../harness/postgres-server.ts'

describe('a lease', () => {
  // Nothing but what must wait for the disk writes there, for as long as the test takes.
  const lazy = { wal_writer_delay: '10s', checkpoint_timeout: '1h', autovacuum: 'off' }

  it('does not wait for the disk; a send and a settlement do', async () => {
    await using server = await startPostgresServer(lazy)
    await using setup = createQueueClient({ connectionString: server.url })
    await setup.create('disk')
    await setup.close()
    /** How often sessions waited for the disk. What a session counted is told when it ends. */
    const waits = async (work: (client: QueueClient) => Promise<unknown>) => {
      const before = await waitsUntilNow(server)
      const client = createQueueClient({ connectionString: server.url })
      await work(client)
      await client.close()
      await eventually(async () => (await sessionsOf(server)) === 0, 'the session has ended')
      return (await waitsUntilNow(server)) - before
    }
    expect(await waits((client) => client.send('disk', 1))).toBe(1)
    let leases: readonly Lease[] = []
    expect(
      await waits(async (client) => {
        leases = (await client.read('disk', { count: 1, leaseMs: 60_000 })).messages
      }),
    ).toBe(0)
    const settlements = leases.map((lease) => ({ ...lease, action: 'archive' as const }))
    expect(settlements).toHaveLength(1)
    expect(await waits((client) => client.settle('disk', { settlements }))).toBe(1)
  })

  it('that a crash forgets: the work of who had it counts, and what was sent and settled is kept', async () => {
    await using server = await startPostgresServer(lazy)
    await using client = createQueueClient({ connectionString: server.url })
    await client.create('forgotten')
    await client.send('forgotten', 'settled')
    const { messages: done } = await client.read('forgotten', { count: 1, leaseMs: 60_000 })
    await client.send('forgotten', 'in hand')
    await client.settle('forgotten', { settlements: done.map((lease) => ({ ...lease, action: 'archive' })) })
    const { messages: held } = await client.read('forgotten', { count: 1, leaseMs: 60_000 })
    await server.crash()

    await using another = createQueueClient({ connectionString: server.url })
    const { messages: again } = await another.read('forgotten', { count: 10, leaseMs: 60_000 })
    expect(again.map(({ payload }) => payload)).toEqual(['in hand'])
    const settlements = held.map((lease) => ({ ...lease, action: 'archive' as const }))
    expect(await client.settle('forgotten', { settlements })).toMatchObject({ lost: [] })
    expect(await client.metrics('forgotten')).toMatchObject({ total: 0, archived: 2 })
  })

  it('that a crash forgets is renewed, released and dead-lettered by who had it, when nobody had it since', async () => {
    await using server = await startPostgresServer(lazy)
    await using client = createQueueClient({ connectionString: server.url })
    await client.create('held')
    await client.sendMany('held', [{ payload: 0 }, { payload: 1 }, { payload: 2 }])
    const { messages } = await client.read('held', { count: 3, leaseMs: 60_000 })
    const [renewed, released, dead] = messages as readonly Lease[] as readonly [Lease, Lease, Lease]
    await server.crash()

    await using another = createQueueClient({ connectionString: server.url })
    expect((await another.peek('held')).map(({ readCount }) => readCount)).toEqual([0, 0, 0])
    expect(await another.extend('held', { leases: [renewed], leaseMs: 60_000 })).toEqual({ lost: [] })
    const settled = await another.settle('held', {
      settlements: [
        { ...released, action: 'release', delayMs: 60_000, headers: { tries: 1 } },
        { ...dead, action: 'dead-letter', deadLetterQueue: 'held_dlq', reason: 'out-of-attempts' },
      ],
    })
    expect(settled).toMatchObject({ lost: [], deadLettered: [{ id: dead.id }] })
    expect((await another.peek('held')).map(({ id, readCount }) => ({ id, readCount }))).toEqual([
      { id: renewed.id, readCount: 1 },
      { id: released.id, readCount: 1 },
    ])
    expect((await another.read('held', { count: 3, leaseMs: 1000 })).messages).toEqual([])
  })
})

async function waitsUntilNow(server: PostgresServer): Promise<number> {
  const { rows } = await server.query(
    `select sum(fsyncs)::int as waits from pg_stat_io where object = 'wal' and backend_type = 'client backend'`,
  )
  return rows[0].waits
}

async function sessionsOf(server: PostgresServer): Promise<number> {
  const { rows } = await server.query(
    `select count(*)::int as sessions from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
  )
  return rows[0].sessions
}
