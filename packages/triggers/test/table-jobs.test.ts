import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from './database.ts'
import { installJob, tableAndQueue } from './table-setup.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

describe('a change of a table', () => {
  it('is a job that tells what happened, with the columns that were named and no others', async () => {
    const { table, queue, messages } = await tableAndQueue(database)
    await installJob(database, { table, queue, payload: ['id', 'status'] })
    await database.query(`insert into ${table} values (1, 'new', 's3cret')`)
    await database.query(`update ${table} set status = 'paid'`)
    await database.query(`delete from ${table}`)
    const [created, paid] = [
      { id: 1, status: 'new' },
      { id: 1, status: 'paid' },
    ]
    const name = `public.${table}`
    expect(await messages()).toEqual([
      { op: 'insert', table: name, new: created, old: null },
      { op: 'update', table: name, new: paid, old: created },
      { op: 'delete', table: name, new: null, old: paid },
    ])
  })

  it.each(['insert', 'update', 'delete'] as const)('%s alone can be asked for', async (operation) => {
    const { table, queue, messages } = await tableAndQueue(database)
    await installJob(database, { table, queue, operations: [operation], payload: ['id'] })
    await database.query(
      `insert into ${table} values (1); update ${table} set status = 'x'; delete from ${table}`,
    )
    expect(await messages()).toMatchObject([{ op: operation }])
  })

  it('counts only when one of some columns is set, and a condition holds', async () => {
    const { table, queue, messages } = await tableAndQueue(database)
    await installJob(database, {
      table,
      queue,
      operations: ['update'],
      updateOf: ['status'],
      when: 'old.status is distinct from new.status -- really changed',
      payload: ['status'],
    })
    await database.query(`insert into ${table} values (1, 'a')`)
    await database.query(`update ${table} set secret = 'x'`)
    await database.query(`update ${table} set status = 'a'`)
    await database.query(`update ${table} set status = 'b'`)
    expect(await messages()).toMatchObject([{ new: { status: 'b' } }])
  })

  it('has a payload of exactly the fields that were given', async () => {
    const { table, queue, messages } = await tableAndQueue(database)
    await installJob(database, {
      table,
      queue,
      operations: ['insert'],
      payload: {
        to: "new.status || '@example.com'",
        "it's": 'null -- nothing',
        n: 'new.id::numeric / 4',
        list: 'array[new.id, 2]',
      },
    })
    await database.query(`insert into ${table} values (1, 'ada')`)
    expect(await messages()).toEqual([{ to: 'ada@example.com', "it's": null, n: 0.25, list: [1, 2] }])
  })

  it('can have more columns than a function takes arguments', async () => {
    const names = Array.from({ length: 120 }, (_, n) => `c${n}`)
    const { table, queue, messages } = await tableAndQueue(
      database,
      names.map((name) => `${name} int default 1`).join(', '),
    )
    await installJob(database, { table, queue, payload: names })
    await database.query(`insert into ${table} default values`)
    expect(await messages()).toEqual([
      expect.objectContaining({ new: Object.fromEntries(names.map((name) => [name, 1])) }),
    ])
  })

  it('is due later with a delay', async () => {
    const { table, queue, waiting } = await tableAndQueue(database)
    await installJob(database, { table, queue, payload: ['id'], delayMs: 90_000 })
    await database.query(`insert into ${table} values (1)`)
    const [job] = await waiting()
    expect(job?.due).toBeGreaterThanOrEqual(90_000)
    expect(job?.due).toBeLessThan(100_000)
  })

  it('and its job commit together, or not at all', async () => {
    const { table, queue, messages } = await tableAndQueue(database)
    await installJob(database, { table, queue, payload: ['id'] })
    const client = await database.pool.connect()
    await client.query(
      `begin; insert into ${table} values (1); savepoint s; insert into ${table} values (2); rollback to s`,
    )
    expect(await messages()).toEqual([])
    await client.query('commit')
    expect(await messages()).toMatchObject([{ new: { id: 1 } }])
    await client.query(`begin; insert into ${table} values (3); rollback`)
    client.release()
    expect(await messages()).toHaveLength(1)
  })

  it('by COPY is a job for every row', async () => {
    const { table, queue, messages } = await tableAndQueue(database)
    await installJob(database, { table, queue, payload: ['id'] })
    await database.query(`copy ${table} (id) from program 'seq 1 500'`)
    expect(await messages()).toHaveLength(500)
  })

  it('of a partitioned table is told with the name of the table, from every partition, also a new one', async () => {
    const { table: queue, messages } = await tableAndQueue(database)
    await database.query(`create table public.parts (id int, kind text) partition by list (id);
      create table public.parts_1 partition of public.parts for values in (1)`)
    const name = await installJob(database, { table: 'parts', queue, payload: ['id'] })
    await database.query('create table public.parts_2 partition of public.parts for values in (2)')
    await database.query(`insert into parts values (1), (2); update parts set kind = 'x' where id = 2`)
    // A row that moves to another partition leaves one and arrives in the other.
    await database.query('update parts set id = 2 where id = 1')
    expect((await messages()).map((job) => (job as { op: string }).op)).toEqual([
      'insert',
      'insert',
      'update',
      'delete',
      'insert',
    ])
    expect(await messages()).toMatchObject(Array(5).fill({ table: 'public.parts' }))
    await database.query('drop table public.parts')
    expect(name).toMatch(/^j/)
  })

  it('needs nothing of who makes it but the right to make it', async () => {
    const { table, queue, messages } = await tableAndQueue(database)
    await installJob(database, { table, queue, payload: ['id'], coalesceBy: ['id'] })
    const role = `writer_${queue}`
    await database.query(`create role ${role}; grant insert on ${table} to ${role}`)
    const client = await database.pool.connect()
    await client.query(`set role ${role}; insert into ${table} values (1); reset role`)
    client.release()
    expect(await messages()).toHaveLength(1)
    await database.query(`drop owned by ${role}; drop role ${role}`)
  })

  it('runs none of its writer’s code with the rights of the installer', async () => {
    const { table, queue, messages } = await tableAndQueue(database)
    await installJob(database, {
      table,
      queue,
      payload: { status: 'new.status::text', at: 'lower(new.status)' },
    })
    const role = `writer_${queue}`
    await database.query(
      `create role ${role}; grant insert on ${table} to ${role}; grant create on schema public to ${role}`,
    )
    const client = await database.pool.connect()
    // Types and functions that an unpinned search_path would find first.
    await client.query(`set role ${role}`)
    await client.query(`create function pg_temp.spy(pg_catalog.text) returns boolean language plpgsql as
      $$ begin raise exception 'ran as %', current_user; end $$`)
    await client.query(`create domain pg_temp.text as pg_catalog.text check (pg_temp.spy(value))`)
    await client.query(`create function public.lower(pg_catalog.text) returns pg_catalog.text language plpgsql as
      $$ begin raise exception 'ran as %', current_user; end $$`)
    await client.query(`set search_path = public, pg_catalog`)
    await client.query(`insert into ${table} values (1, 'A')`)
    await client.query('reset role; reset search_path')
    client.release(true)
    expect(await messages()).toEqual([{ status: 'A', at: 'a' }])
    await database.query(`drop owned by ${role}; drop role ${role}`)
  })

  it('makes no job of the rows of a table to which somebody else attaches the function', async () => {
    const { table, queue } = await tableAndQueue(database)
    const name = await installJob(database, { table, queue, payload: ['id'] })
    const role = `forger_${queue}`
    await database.query(
      `create role ${role}; grant create on schema public to ${role}; grant usage on schema aimq to ${role}`,
    )
    const client = await database.pool.connect()
    await client.query(`set role ${role}; create table public.own_${queue} (id bigint)`)
    await expect(
      client.query(
        `create trigger t after insert on public.own_${queue} for each row execute function aimq.job_${name}()`,
      ),
    ).rejects.toMatchObject({ code: '42501' })
    await client.query('reset role')
    client.release()
    await database.query(`drop owned by ${role}; drop role ${role}`)
  })
})

it('reads other tables in its payload, whatever their columns are called', async () => {
  const { table, queue, messages } = await tableAndQueue(database)
  const other = `${table}_other`
  await database.query(`create table public.${other} (path text, item text, tries int);
    insert into ${other} values ('a', 'b', 1)`)
  const sum = `(select concat(path, item, tries) from public.${other} where tries > 0 and path <> item)`
  await installJob(database, { table, queue, payload: { sum } })
  await database.query(`insert into ${table} values (1)`)
  expect(await messages()).toEqual([{ sum: 'ab1' }])
})

describe('a job that cannot be made', () => {
  it('fails the change by default', async () => {
    const { table, queue } = await tableAndQueue(database)
    await installJob(database, { table, queue, payload: { n: '1 / new.id' } })
    await expect(database.query(`insert into ${table} values (1), (0)`)).rejects.toMatchObject({
      code: '22012',
    })
    expect(await database.query(`select from ${table}`)).toEqual([])
    await database.query(`drop table pgmq.q_${queue}`)
    await expect(database.query(`insert into ${table} values (1)`)).rejects.toMatchObject({ code: '42P01' })
  })

  it('is a warning when the change matters more', async () => {
    const { table, queue, messages } = await tableAndQueue(database)
    const name = await installJob(database, { table, queue, payload: { n: '1 / new.id' }, onFailure: 'warn' })
    const client = await database.pool.connect()
    const warnings: string[] = []
    client.on('notice', ({ message }) => warnings.push(String(message)))
    await client.query(`insert into ${table} values (1), (0), (2)`)
    client.release(true)
    expect(warnings).toEqual([`aimq: table job ${name} made no job of this change: division by zero (22012)`])
    expect(await messages()).toEqual([{ n: 1 }, { n: 0 }])
    expect(await database.query(`select from ${table}`)).toHaveLength(3)
  })
})
