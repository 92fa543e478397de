import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTriggersClient, type TriggersClient } from '../src/index.ts'
import { catalogueOf, createDatabase, failureOf, type TestDatabase } from './database.ts'

let database: TestDatabase
let client: TriggersClient
beforeAll(async () => {
  database = await createDatabase()
  client = createTriggersClient({ connectionString: database.url })
  await database.query(`select pgmq.create('jobs')`)
  await database.query('create table public.victim (id int); insert into public.victim values (1)')
})
afterAll(() => database[Symbol.asyncDispose]())

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
const bytes = (text: string) => Buffer.byteLength(text)

/** What somebody would try who wants out of a quote, a dollar quote, a comment or a template. */
const tricks = [
  'Order Lines',
  'select',
  `it's`,
  'a"b',
  '"',
  `'`,
  '\\',
  '__proto__',
  'constructor',
  `\\'`,
  '$$',
  '$aimq$',
  '$job$',
  '--',
  '/*',
  '*/',
  ';',
  '\n',
  '\r\n',
  '\t',
  `x"; drop table public.victim; --`,
  `x'); drop table public.victim; --`,
  `$aimq$; drop table public.victim; do $aimq$`,
  `$job$; drop table public.victim; select $job$`,
  `*/ drop table public.victim; /*`,
  '#body#',
  ':"schema"',
  `:'queue'`,
  '$1',
  '%I',
  '%s %L',
  'Ünïcödé',
  '日本',
  '💥',
  '\u2028',
  ' ',
  '.',
  'a.b',
  '\u0001',
  'x'.repeat(63),
]
const name = fc
  .oneof(
    fc.constantFrom(...tricks),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    fc.string({ minLength: 1, maxLength: 20 }),
  )
  .filter((text) => text.isWellFormed() && !text.includes('\0') && bytes(text) <= 63)

describe('a table job', () => {
  it('takes every name of a schema, a table and a column as a name and nothing else', async () => {
    const before = await catalogueOf(database)
    await fc.assert(
      fc.asyncProperty(
        name.filter((text) => !/^pg_|^public$|^pgmq$|^aimq$/.test(text)),
        name,
        fc.uniqueArray(name, { minLength: 2, maxLength: 4 }),
        fc.boolean(),
        async (schema, table, columns, coalesce) => {
          const [first = '', second = ''] = columns
          const relation = `${quoted(schema)}.${quoted(table)}`
          await database.query(
            `create schema ${quoted(schema)}; create table ${relation} (${columns.map((column) => `${quoted(column)} int`).join(', ')})`,
          )
          const job = {
            name: 'fuzzed',
            schema,
            table,
            queue: 'jobs',
            payload: columns,
            updateOf: [second],
            ...(coalesce ? { coalesceBy: [first] } : {}),
          }
          await client.installTableJobs({ jobs: [job] })
          expect(await client.planTableJobs({ jobs: [job] })).toEqual({ changes: [] })
          expect((await client.listTableJobs()).triggers).toMatchObject([
            { name: 'fuzzed', findings: [], job },
          ])
          await database.query(
            `insert into ${relation} (${quoted(first)}, ${quoted(second)}) values (1, 2); update ${relation} set ${quoted(second)} = 3`,
          )
          const jobs = await database.query('select message from pgmq.q_jobs order by msg_id')
          expect(jobs.at(-1)).toMatchObject({
            message: {
              op: 'update',
              table: `${schema}.${table}`,
              new: { [first]: 1, [second]: 3 },
              old: { [second]: 2 },
            },
          })
          await client.removeTableJobs()
          await database.query(`drop schema ${quoted(schema)} cascade; truncate pgmq.q_jobs`)
        },
      ),
      {
        numRuns: 60,
        examples: tricks
          .filter((text) => bytes(text) <= 63)
          .map((trick) => [trick, trick, [trick, 'other'], true]),
      },
    )
    expect(await database.query('select id from public.victim')).toEqual([{ id: 1 }])
    expect(await catalogueOf(database)).toEqual(before)
  }, 300_000)

  it('takes every key of its payload, and every condition, to the letter', async () => {
    await database.query('create table public.lines (id int, note text)')
    const note = fc
      .string({ unit: 'binary', maxLength: 40 })
      .filter((text) => text.isWellFormed() && !text.includes('\0'))
    const literal = (text: string) => `'${text.replaceAll("'", "''")}'`
    await fc.assert(
      fc.asyncProperty(name, fc.oneof(fc.constantFrom(...tricks), note), async (key, text) => {
        const job = {
          name: 'fuzzed',
          table: 'lines',
          queue: 'jobs',
          payload: { [key]: literal(text) },
          when: `new.note is not distinct from ${literal(text)} -- ${key.replaceAll(/[\n\r]/g, ' ')}`,
          operations: ['insert'] as const,
        }
        await client.installTableJobs({ jobs: [job] })
        expect(await client.planTableJobs({ jobs: [job] })).toEqual({ changes: [] })
        await database.query('insert into lines values (1, $1), (2, $2)', [text, `${text}.`])
        expect(await database.query('select message from pgmq.q_jobs')).toEqual([
          { message: { [key]: text } },
        ])
        await database.query('truncate pgmq.q_jobs')
      }),
      { numRuns: 40, examples: tricks.filter((text) => bytes(text) <= 63).map((trick) => [trick, trick]) },
    )
    await client.removeTableJobs()
  }, 300_000)

  it.each([
    [{ name: 'A"; drop' }, 'name'],
    [{ name: 'x'.repeat(48) }, 'name'],
    [{ table: '' }, 'expected a name'],
    [{ table: 'x'.repeat(64) }, 'at most 63 bytes'],
    [{ table: 'é'.repeat(32) }, 'at most 63 bytes'],
    [{ schema: 'a\0b' }, 'PostgreSQL can have'],
    [{ payload: ['\ud800'] }, 'payload'],
    [{ payload: [] }, 'payload'],
    [{ payload: {} }, 'payload'],
    [{ payload: ['a', 'a'] }, 'payload'],
    [{ when: ' ' }, 'expected an SQL expression'],
    [{ when: 'a\0' }, 'PostgreSQL can read'],
    [{ operations: ['truncate'] }, 'insert, update, delete'],
    [{ operations: ['insert'], updateOf: ['id'] }, 'updateOf'],
    [{ delayMs: 1.5 }, 'delayMs'],
    [{ onFailure: 'ignore' }, 'abort or warn'],
    [{ coalesce: ['id'] }, 'did you mean "coalesceBy"'],
  ])('refuses %j before any SQL', async (extra, text) => {
    const unreachable = createTriggersClient({ connectionString: 'postgres://127.0.0.1:1/none' })
    const job = { name: 'fine', table: 'lines', queue: 'jobs', payload: ['id'], ...extra }
    expect(await failureOf(unreachable.installTableJobs({ jobs: [job as never] }))).toMatchObject({
      code: 'triggers/invalid-options',
      message: expect.stringContaining(text),
    })
  })

  it('refuses a queue that AIMQ does not work with, and two jobs of one name', async () => {
    const job = { name: 'fine', table: 'lines', queue: 'Jobs', payload: ['id'] }
    expect(await failureOf(client.planTableJobs({ jobs: [job] }))).toMatchObject({
      code: 'events/invalid-queue-name',
    })
    const twice = [
      { ...job, queue: 'jobs' },
      { ...job, queue: 'jobs' },
    ]
    expect(await failureOf(client.planTableJobs({ jobs: twice }))).toMatchObject({
      message: expect.stringContaining('two named "fine"'),
    })
  })
})
