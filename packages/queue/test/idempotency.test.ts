import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createQueueClient, type QueueClient } from '../src/index.ts'
import { createDatabase, failureOf, type TestDatabase } from './database.ts'

let database: TestDatabase
let client: QueueClient

beforeAll(async () => {
  database = await createDatabase()
  client = createQueueClient({ connectionString: database.url, maxConnections: 25 })
  await client.install()
})

afterAll(async () => {
  await client.close()
  await database[Symbol.asyncDispose]()
})

const count = async (queue: string): Promise<number> => (await client.metrics(queue)).total

describe('an idempotency key', () => {
  it('makes the same send twice one message', async () => {
    await client.create('twice')
    const first = await client.send('twice', 1, { idempotencyKey: 'a' })
    expect(await client.send('twice', 2, { idempotencyKey: 'a' })).toBe(first)
    const other = await client.send('twice', 3, { idempotencyKey: 'b' })
    expect(other).not.toBe(first)
    expect((await client.peek('twice')).map(({ id, payload }) => [id, payload])).toEqual([
      [first, 1],
      [other, 3],
    ])
  })

  it('counts per queue', async () => {
    await client.create('here')
    await client.create('there')
    await client.send('here', 1, { idempotencyKey: 'same' })
    await client.send('there', 1, { idempotencyKey: 'same' })
    expect([await count('here'), await count('there')]).toEqual([1, 1])
  })

  it('works in a batch with and without keys, in the order given', async () => {
    await client.create('mixed')
    const known = await client.send('mixed', 'known', { idempotencyKey: 'known' })
    const { ids, duplicateIds } = await client.sendMany('mixed', [
      { payload: 'plain' },
      { payload: 'z', idempotencyKey: 'z' },
      { payload: 'again', idempotencyKey: 'known' },
      { payload: 'a', idempotencyKey: 'a', headers: { h: 1 } },
      { payload: 'z2', idempotencyKey: 'z' },
    ])
    expect(ids[2]).toBe(known)
    expect(ids[4]).toBe(ids[1])
    expect([...duplicateIds].sort()).toEqual([known, ids[1]].sort())
    const stored = new Map((await client.peek('mixed')).map(({ id, payload }) => [id, payload]))
    expect(ids.map((id) => stored.get(id))).toEqual(['plain', 'z', 'known', 'a', 'z'])
    expect(stored.size).toBe(4)
  })

  it('is one message when twenty race for it, and all are told the same id', async () => {
    await client.create('racing')
    for (let round = 0; round < 10; round++) {
      const results = await Promise.all(
        Array.from({ length: 20 }, () =>
          client.sendMany('racing', [{ payload: round, idempotencyKey: `round ${round}` }]),
        ),
      )
      expect(new Set(results.map(({ ids }) => ids[0])).size).toBe(1)
      expect(results.filter(({ duplicateIds }) => duplicateIds.length === 0)).toHaveLength(1)
    }
    expect(await count('racing')).toBe(10)
  })

  it('waits for a producer that has not committed, and answers with its id', async () => {
    await client.create('waiting')
    const transaction = await database.pool.connect()
    await transaction.query('begin')
    const first = await client.send('waiting', 1, { idempotencyKey: 'k', transaction })
    const second = client.sendMany('waiting', [{ payload: 2, idempotencyKey: 'k' }])
    await waitUntilBlocked()
    await transaction.query('commit')
    transaction.release()
    expect(await second).toEqual({ ids: [first], duplicateIds: [first] })
    expect(await count('waiting')).toBe(1)
  })

  it('belongs to the one who waits when the other producer rolls back', async () => {
    await client.create('rolling')
    const transaction = await database.pool.connect()
    await transaction.query('begin')
    await client.send('rolling', 'never', { idempotencyKey: 'k', transaction })
    const second = client.sendMany('rolling', [{ payload: 'kept', idempotencyKey: 'k' }])
    await waitUntilBlocked()
    await transaction.query('rollback')
    transaction.release()
    expect((await second).duplicateIds).toEqual([])
    expect((await client.peek('rolling')).map(({ payload }) => payload)).toEqual(['kept'])
  })

  it('does not deadlock two batches that name the same keys in opposite order', async () => {
    await client.create('crossing')
    const names = Array.from({ length: 400 }, (_, n) => `key ${n}`)
    for (let round = 0; round < 8; round++) {
      // In transactions of our own, where nothing is retried: a deadlock would show.
      const batch = async (order: string[]) => {
        const transaction = await database.pool.connect()
        await transaction.query('begin')
        const messages = order.map((name) => ({ payload: name, idempotencyKey: `${round} ${name}` }))
        const { ids } = await client.sendMany('crossing', messages, { transaction })
        await transaction.query('commit')
        transaction.release()
        return ids
      }
      const [forth, back] = await Promise.all([batch(names), batch([...names].reverse())])
      expect([...back].reverse()).toEqual(forth)
    }
    expect(await count('crossing')).toBe(3200)
  })

  it('may be used again when its window is over, and then its row is pruned', async () => {
    await client.create('windows')
    const first = await client.send('windows', 1, { idempotencyKey: 'k' })
    await database.query(
      `update aimq.idempotency_key set expires_at = now() - interval '1 second' where queue = 'windows'`,
    )
    const second = await client.send('windows', 2, { idempotencyKey: 'k' })
    expect(second).not.toBe(first)
    expect(await client.send('windows', 3, { idempotencyKey: 'k' })).toBe(second)
    await database.query(
      `update aimq.idempotency_key set expires_at = now() - interval '1 second' where queue = 'windows'`,
    )
    expect(await client.pruneIdempotencyKeys()).toEqual({ count: 1 })
    expect(await client.pruneIdempotencyKeys()).toEqual({ count: 0 })
  })

  it('does not swallow the messages of a queue that was dropped and made anew', async () => {
    await client.create('reborn')
    await client.send('reborn', 'old', { idempotencyKey: 'k' })
    await database.query(`select pgmq.drop_queue('reborn')`)
    await client.create('reborn')
    await client.send('reborn', 'new', { idempotencyKey: 'k' })
    expect((await client.peek('reborn')).map(({ payload }) => payload)).toEqual(['new'])
  })

  it('rolls back with the message it belongs to', async () => {
    await client.create('together')
    const transaction = await database.pool.connect()
    await transaction.query('begin')
    await client.send('together', 'gone', { idempotencyKey: 'k', transaction })
    await transaction.query('rollback')
    transaction.release()
    await client.send('together', 'kept', { idempotencyKey: 'k' })
    expect((await client.peek('together')).map(({ payload }) => payload)).toEqual(['kept'])
  })
})

describe('without the table', () => {
  it('says to install it', async () => {
    await using bare = await createDatabase()
    await using other = createQueueClient({ connectionString: bare.url })
    await other.create('emails')
    const error = await failureOf(other.send('emails', 1, { idempotencyKey: 'k' }))
    expect(error).toMatchObject({ code: 'queue/idempotency-not-installed' })
    expect(error.message).toContain('client.install()')
    await other.install()
    expect(await other.send('emails', 1, { idempotencyKey: 'k' })).toBe('1')
  })
})

/** Until another session waits for the transaction of this test. */
async function waitUntilBlocked(): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const blocked = await database.query(
      `select from pg_locks join pg_stat_activity using (pid) where not granted and datname = $1`,
      [database.name],
    )
    if (blocked.length > 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('nobody waited for the open transaction')
}
