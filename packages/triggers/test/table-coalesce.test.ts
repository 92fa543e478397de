import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from './database.ts'
import { randoms } from './randoms.ts'
import { installJob, tableAndQueue } from './table-setup.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

async function coalescing(columns?: string, by = ['id']) {
  const made = await tableAndQueue(database, columns)
  const { table, queue } = made
  const name = await installJob(database, { table, queue, payload: ['id', 'status'], coalesceBy: by })
  return { ...made, name }
}
type Change = { op: string; new: { id: number; status: string } | null }

describe('with coalescing', () => {
  it('a job that nobody has read takes over the change, and keeps its place and its time', async () => {
    const { table, queue, waiting } = await coalescing()
    await database.query(`insert into ${table} values (1, 'a')`)
    const [first] = await database.query(`select msg_id, vt, enqueued_at from pgmq.q_${queue}`)
    await database.query(
      `insert into ${table} values (2, 'a'); update ${table} set status = 'b' where id = 1`,
    )
    await database.query(`update ${table} set status = 'c' where id = 1`)
    expect(await waiting()).toMatchObject([
      { message: { op: 'update', new: { id: 1, status: 'c' }, old: { status: 'b' } } },
      { message: { op: 'insert', new: { id: 2, status: 'a' } } },
    ])
    expect(
      (await database.query(`select msg_id, vt, enqueued_at from pgmq.q_${queue} order by 1`))[0],
    ).toEqual(first)
  })

  it('a change after the job was read is a new job, however the first one ended', async () => {
    const { table, queue, messages } = await coalescing()
    await database.query(`insert into ${table} values (1, 'a')`)
    await database.query(`select pgmq.read('${queue}', 30, 1)`)
    await database.query(`update ${table} set status = 'b'`)
    expect(await messages()).toHaveLength(2)
    // Handed back: it was read, and its handler may have seen the row as it was.
    await database.query(`select pgmq.set_vt('${queue}', 1, 0)`)
    await database.query(`update ${table} set status = 'c'`)
    expect(await messages()).toMatchObject([{ new: { status: 'a' } }, { new: { status: 'c' } }])
    await database.query(`select pgmq.archive('${queue}', msg_id) from pgmq.q_${queue}`)
    await database.query(`update ${table} set status = 'd'`)
    expect(await messages()).toMatchObject([{ new: { status: 'd' } }])
  })

  it('keys of two jobs on one queue, and odd values, stay apart', async () => {
    const { table, queue, messages } = await coalescing('a text, b text, id int, status text', ['a', 'b'])
    await installJob(database, { table, queue, payload: ['id', 'status'], coalesceBy: ['a', 'b'] })
    const long = 'x'.repeat(3000)
    const rows = [
      ['1,2', '3'],
      ['1', '2,3'],
      ['a"', null],
      ['a', '"'],
      [null, null],
      ['', null],
      [long, 'y'],
      [`${long}z`, 'y'],
    ]
    for (let round = 0; round < 2; round++) {
      for (const row of rows) await database.query(`insert into ${table} (a, b) values ($1, $2)`, row)
    }
    expect(await messages()).toHaveLength(2 * rows.length)
  })

  it('a message that somebody sent himself is left alone', async () => {
    const { table, queue, messages } = await coalescing()
    await database.query(
      `select pgmq.send('${queue}', '{"mine": 1}'), pgmq.send('${queue}', '{"mine": 2}', '{"x": 1}'::jsonb)`,
    )
    await database.query(`insert into ${table} values (1, 'a'); update ${table} set status = 'b'`)
    expect(await messages()).toMatchObject([{ mine: 1 }, { mine: 2 }, { new: { status: 'b' } }])
  })

  it('a change that is rolled back leaves the waiting job as it was', async () => {
    const { table, messages } = await coalescing()
    await database.query(`insert into ${table} values (1, 'a')`)
    const client = await database.pool.connect()
    await client.query(`begin; update ${table} set status = 'b'; rollback`)
    client.release()
    expect(await messages()).toMatchObject([{ new: { status: 'a' } }])
  })

  it('a job that an open transaction is changing is not read before that has ended', async () => {
    const { table, queue } = await coalescing()
    await database.query(`insert into ${table} values (1, 'a')`)
    const client = await database.pool.connect()
    await client.query(`begin; update ${table} set status = 'b'`)
    expect(await database.query(`select * from pgmq.read('${queue}', 30, 1)`)).toEqual([])
    await client.query('commit')
    client.release()
    expect(await database.query(`select message from pgmq.read('${queue}', 30, 1)`)).toMatchObject([
      { message: { new: { status: 'b' } } },
    ])
  })

  const seed = Number(process.env.SEED ?? randomInt(2 ** 31))

  it(`loses no last change and never has two jobs wait, with writers and workers at full speed (SEED=${seed})`, async () => {
    const { table, queue } = await coalescing('id int primary key, status int')
    const rows = 5
    const rounds = 60
    await database.query(`insert into ${table} select n, 0 from generate_series(1, ${rows}) as n`)
    const seen = new Map<number, number>()
    let done = false
    let reads = 0
    const worker = async () => {
      for (;;) {
        const last = done
        const jobs = await database.query<{ msg_id: string; message: Change }>(
          `select msg_id, message from pgmq.read('${queue}', 30, 2)`,
        )
        for (const { msg_id, message } of jobs) {
          reads++
          // As a handler that looks at the row: what it sees is at least what the job says.
          const id = Number(message.new?.id)
          const [row] = await database.query(`select status from ${table} where id = $1`, [id])
          seen.set(id, Math.max(seen.get(id) ?? 0, Number(row?.status), Number(message.new?.status)))
          await database.query(`select pgmq.delete('${queue}', $1::bigint)`, [msg_id])
        }
        if (jobs.length === 0 && last) return
      }
    }
    const watcher = async () => {
      while (!done) {
        const twice = await database.query(
          `select headers ->> 'x-aimq-coalesce' from pgmq.q_${queue} where read_ct = 0 group by 1 having count(*) > 1`,
        )
        expect(twice).toEqual([])
      }
    }
    const writer = async (_: unknown, n: number) => {
      const random = randoms(seed + n)
      for (let round = 0; round < rounds; round++) {
        const id = 1 + Math.floor(random() * rows)
        await database.query(`update ${table} set status = status + 1 where id = ${id}`)
      }
    }
    const others = [worker(), worker(), watcher()]
    await Promise.all(Array.from({ length: 4 }, writer))
    done = true
    await Promise.all(others)
    const final = await database.query<{ id: number; status: number }>(`select id, status from ${table}`)
    expect(final.reduce((sum, { status }) => sum + status, 0)).toBe(4 * rounds)
    for (const { id, status } of final) expect([id, seen.get(id)]).toEqual([id, status])
    expect(reads).toBeGreaterThan(rows)
    expect(await database.query(`select from pgmq.q_${queue}`)).toEqual([])
  })

  it('ten thousand rows of one key in one transaction are one job, without walking past each other', async () => {
    const { table, queue, messages } = await coalescing('id int, customer int, status text', ['customer'])
    const quickest = async (rows: number) => {
      const times: number[] = []
      for (let round = 0; round < 3; round++) {
        await database.query(`truncate pgmq.q_${queue}`)
        const start = performance.now()
        await database.query(`insert into ${table} select n, 1, 'x' from generate_series(1, ${rows}) as n`)
        times.push(performance.now() - start)
      }
      return Math.min(...times)
    }
    const hundreds = await quickest(300)
    // Some 33 times as many rows took two hundred times as long when each row walked past those before it.
    expect((await quickest(10_000)) / hundreds).toBeLessThan(90)
    expect(await messages()).toMatchObject([{ new: { id: 10_000 } }])
  })

  it('a change after a savepoint was rolled back, a read or a purge in the same transaction is not lost', async () => {
    const { table, queue, messages } = await coalescing()
    const client = await database.pool.connect()
    await client.query(`begin; insert into ${table} values (1, 'a'); savepoint s`)
    await client.query(`update ${table} set status = 'b'; rollback to s`)
    await client.query(`update ${table} set status = 'c'`)
    await client.query('commit')
    expect(await messages()).toMatchObject([{ new: { status: 'c' }, old: { status: 'a' } }])
    await client.query(`begin; update ${table} set status = 'd'; select pgmq.read('${queue}', 30, 1)`)
    await client.query(`update ${table} set status = 'e'; update ${table} set status = 'f'; commit`)
    expect(await messages()).toMatchObject([{ new: { status: 'd' } }, { new: { status: 'f' } }])
    await client.query(`begin; update ${table} set status = 'g'; truncate pgmq.q_${queue}`)
    await client.query(`update ${table} set status = 'h'; commit`)
    expect(await messages()).toMatchObject([{ new: { status: 'h' } }])
    client.release()
  })

  it('a setting that somebody forged changes no job of another key', async () => {
    const { table, queue, name, messages } = await coalescing()
    await database.query(`insert into ${table} values (1, 'a'), (2, 'a')`)
    const [row] = await database.query(
      `select ctid::text as place from pgmq.q_${queue} where message -> 'new' ->> 'id' = '1'`,
    )
    const client = await database.pool.connect()
    await client.query('begin')
    for (let slot = 0; slot < 64; slot++) {
      await client.query(`select set_config('aimq.job_${name}_${slot}', $1, false)`, [
        `${name} [2] at ${row?.place}`,
      ])
    }
    await client.query(`update ${table} set status = 'b' where id = 2; commit`)
    client.release(true)
    expect(await messages()).toMatchObject([{ new: { id: 1, status: 'a' } }, { new: { id: 2, status: 'b' } }])
  })

  it('is one job a key also for rows written side by side', async () => {
    const { table, messages } = await coalescing('id int, customer int, status text', ['customer'])
    await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        database.query(`insert into ${table} values (${n}, ${n % 3}, 'x')`),
      ),
    )
    expect(await messages()).toHaveLength(3)
  })
})

describe('coalescing is refused', () => {
  it('where the queue has no headers to hold the key', async () => {
    const { table, queue } = await tableAndQueue(database)
    await database.query(`alter table pgmq.q_${queue} drop column headers`)
    await expect(
      installJob(database, { table, queue, payload: ['id'], coalesceBy: ['id'] }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('pgmq 1.5 or later'),
    })
    await installJob(database, { table, queue, payload: ['id'] })
    await database.query(`insert into ${table} values (1)`)
    expect(await database.query(`select from pgmq.q_${queue}`)).toHaveLength(1)
  })

  it('where the queue is partitioned', async () => {
    const { table, queue } = await tableAndQueue(database)
    await database.query(`drop table pgmq.q_${queue}; create table pgmq.q_${queue}
      (msg_id bigint generated always as identity, read_ct int default 0, enqueued_at timestamptz default now(), vt timestamptz, message jsonb, headers jsonb)
      partition by range (msg_id); create table pgmq.q_${queue}_p0 partition of pgmq.q_${queue} default`)
    await expect(
      installJob(database, { table, queue, payload: ['id'], coalesceBy: ['id'] }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('is partitioned'),
    })
    await installJob(database, { table, queue, payload: ['id'] })
    await database.query(`insert into ${table} values (1)`)
    expect(await database.query(`select from pgmq.q_${queue}`)).toHaveLength(1)
  })
})
