import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aimq, aimqJson } from '../harness/aimq.ts'
import { canary, useDatabase } from '../harness/database.ts'

/* Queues that AIMQ cannot work, beside one that it can: they are shown, and are in nobody's way. */
const database = useDatabase()
const env = { DATABASE_URL: database.url }
const stranger = `unfit_stranger_${process.pid}`
const asStranger = { DATABASE_URL: database.urlWith({ user: stranger }) }
const triggers = async () =>
  (await database.query(`select tgname from pg_trigger where tgname like 'aimq_%' order by 1`)).map(
    ({ tgname }) => tgname,
  )

beforeAll(async () => {
  await database.query('create extension if not exists pgmq')
  for (const queue of ['emails', 'MyQueue', 'gone', 'secret'])
    await database.query('select pgmq.create($1)', [queue])
  await database.query(`select pgmq.create_unlogged('fleeting')`)
  await database.query('drop table pgmq.q_gone')
  await database.query(`select pgmq.send('emails', '{}')`)
  await database.query(`create role ${stranger} login password '${canary}'`)
  await database.query(`grant usage on schema pgmq to ${stranger}`)
  await database.query(
    `grant select on pgmq.meta, pgmq.q_emails, pgmq.a_emails, pgmq.q_fleeting to ${stranger}`,
  )
})
afterAll(async () => {
  await database.query(`drop owned by ${stranger}`)
  await database.query(`drop role ${stranger}`)
})

describe.each([
  ['their owner', env],
  ['a role that may not read one of them', asStranger],
])('seen by %s', (_who, env) => {
  test('list shows all of them', async () => {
    const { code, stdout } = await aimq(['list'], { env })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^emails +1 /m)
    expect(stdout).toMatch(/^MyQueue +– .* no name that AIMQ works with/m)
    expect(stdout).toMatch(/^fleeting +– .* unlogged/m)
    expect(await aimqJson(['list'], { env })).toHaveLength(5)
  })

  test('stats counts those it can, and says which it cannot', async () => {
    const { code, stdout, stderr } = await aimq(['stats'], { env })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^emails +1 /m)
    expect(stderr).toContain('MyQueue is not counted: it has no name that AIMQ works with')
    expect(stderr).toContain('fleeting is not counted: it is unlogged')
    expect(stderr).toContain('gone is not counted: ')
    expect(await aimqJson(['stats'], { env })).toContainEqual(expect.objectContaining({ queue: 'emails' }))
  })

  test('top watches those it can', async () => {
    const sample = (await aimqJson(['top', '--once'], { env })) as { queues: { queue: string }[] }
    expect(sample.queues.map(({ queue }) => queue)).toContain('emails')
  })

  test('dlq list looks into all of them', async () => {
    expect((await aimq(['dlq', 'list'], { env })).stdout).toBe('There are no dead letters.\n')
  })
})

test('named, such a queue is refused: 2 and 78', async () => {
  expect((await aimq(['stats', 'MyQueue'], { env })).code).toBe(2)
  expect((await aimq(['stats', 'fleeting'], { env })).code).toBe(78)
  expect((await aimq(['enable-realtime', 'emails', 'fleeting'], { env })).code).toBe(78)
  expect(await triggers()).toEqual([])
})

test('doctor proposes only what can succeed', async () => {
  const { stdout } = await aimq(['doctor'], { env })
  expect(stdout).toMatch(/→ run: aimq enable-realtime emails secret$/m)
  expect(stdout).toContain('"MyQueue" is a name that AIMQ does not work with')
  expect(stdout).toContain('fleeting is unlogged')
})

test('--all is all that can have a trigger; the others are named with the reason', async () => {
  const planned = await aimq(['triggers', 'plan', '--all'], { env })
  expect(planned).toMatchObject({ code: 0, stdout: expect.stringContaining('aimq_notify_emails') })
  expect(planned.stderr).toContain('left out MyQueue: ')
  const { code, stdout, stderr } = await aimq(['enable-realtime', '--all'], { env })
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('emails, secret wake') })
  for (const reason of [
    'left out MyQueue: it has no name that AIMQ works with',
    'left out fleeting: it is unlogged',
    'left out gone: it has no table',
  ])
    expect(stderr).toContain(reason)
  expect(await triggers()).toEqual(['aimq_notify_emails', 'aimq_notify_secret'])
  expect(await aimqJson(['disable-realtime', '--all'], { env })).toMatchObject({
    queues: ['emails', 'secret'],
  })
})
