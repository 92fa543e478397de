import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { aimq, aimqJson } from '../harness/aimq.ts'
import { useDatabase } from '../harness/database.ts'

const database = useDatabase()
const env = { DATABASE_URL: database.url }
const header = {
  'x-aimq-failures': 3,
  'x-aimq-dead-letter': {
    queue: 'emails',
    id: '7',
    readCount: 4,
    enqueuedAt: 1_700_000_000_000,
    deadLetteredAt: 1_700_000_100_000,
    reason: 'out of attempts',
    error: { code: 'SmtpError', message: 'no such mailbox' },
  },
}

beforeAll(async () => {
  await database.query('create extension if not exists pgmq')
  for (const queue of ['emails', 'emails_dlq']) await database.query('select pgmq.create($1)', [queue])
})
beforeEach(async () => {
  await database.query('delete from pgmq.q_emails')
  await database.query('delete from pgmq.q_emails_dlq')
  for (const to of ['ada', 'bob']) {
    await database.query(
      `select pgmq.send('emails_dlq', $1::jsonb, $2::jsonb)`,
      [{ to }, header].map((value) => JSON.stringify(value)),
    )
  }
})

test('list says where they are', async () => {
  const { stdout } = await aimq(['dlq', 'list'], { env })
  expect(stdout).toMatch(/^emails_dlq +2 /m)
  expect(await aimqJson(['dlq', 'list'], { env })).toMatchObject([{ queue: 'emails_dlq', total: 2 }])
})

test('show says why, under the name of the queue or of its dead-letter queue', async () => {
  const { stdout } = await aimq(['dlq', 'show', 'emails'], { env })
  expect(stdout).toContain('emails/7')
  expect(stdout).toContain('after 3 failures, 4 reads')
  expect(stdout).toContain('out of attempts')
  expect(stdout).toContain('no such mailbox (SmtpError)')
  expect(stdout).toContain('{"to":"ada"}')
  const letters = await aimqJson(['dlq', 'show', 'emails_dlq', '--limit', '1'], { env })
  expect(letters).toMatchObject([{ from: 'emails', originalId: '7', failures: 3, payload: { to: 'ada' } }])
})

test('one with headers that have no text of their own hides none of the others', async () => {
  const hostile = {
    'x-aimq-failures': { toString: 1 },
    'x-aimq-dead-letter': {
      ...header['x-aimq-dead-letter'],
      error: { code: { toString: 1 }, message: 'boo' },
    },
  }
  await database.query(`select pgmq.send('emails_dlq', '{"to":"eve"}'::jsonb, $1::jsonb)`, [
    JSON.stringify(hostile),
  ])
  const { code, stdout } = await aimq(['dlq', 'show', 'emails'], { env })
  expect(code).toBe(0)
  for (const to of ['ada', 'bob', 'eve']) expect(stdout).toContain(`{"to":"${to}"}`)
  expect(stdout).toContain('boo (Error)')
  expect(await aimqJson(['dlq', 'show', 'emails'], { env })).toHaveLength(3)
})

test('nor does one that is nested deeper than JSON.stringify gets', async () => {
  const payload = `${'['.repeat(9000)}"eve"${']'.repeat(9000)}`
  await database.query(`select pgmq.send('emails_dlq', $1::jsonb)`, [payload])
  const { code, stdout } = await aimq(['dlq', 'show', 'emails', '--json'], { env })
  expect(code).toBe(0)
  expect(stdout).toContain(`"payload":${payload}`)
  for (const words of [
    ['dlq', 'show', 'emails'],
    ['peek', 'emails_dlq'],
  ]) {
    const shown = await aimq(words, { env })
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('{"to":"bob"}') })
  }
})

test('redrive sends them back to where they came from', async () => {
  const { code, stdout } = await aimq(['dlq', 'redrive', 'emails'], { env })
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: '✓ sent 2 dead letters of emails_dlq back to where they came from\n',
  })
  expect(await database.query('select message from pgmq.q_emails order by msg_id')).toHaveLength(2)
  expect(await database.query('select message from pgmq.q_emails_dlq')).toEqual([])
})

test('redrive of one, and of one that is not there', async () => {
  const [first] = (await aimqJson(['dlq', 'show', 'emails'], { env })) as { id: string }[]
  expect(await aimqJson(['dlq', 'redrive', 'emails', '--id', first?.id ?? ''], { env })).toEqual({
    queue: 'emails_dlq',
    count: 1,
  })
  const { code, stderr } = await aimq(['dlq', 'redrive', 'emails', '--id', '999999'], { env })
  expect(code).toBe(3)
  expect(stderr).toContain('999999')
})

test('purge asks, and deletes them', async () => {
  expect((await aimq(['dlq', 'purge', 'emails'], { env })).code).toBe(2)
  expect(await aimqJson(['dlq', 'purge', 'emails', '--yes'], { env })).toEqual({
    purged: [{ queue: 'emails_dlq', count: 2 }],
  })
  const again = await aimq(['dlq', 'purge', 'emails', '--yes'], { env })
  expect(again).toMatchObject({ code: 0, stdout: '✓ deleted 0 messages of emails_dlq\n' })
  const { stdout } = await aimq(['dlq', 'list'], { env })
  expect(stdout).toBe('There are no dead letters.\n')
})

describe('a dead-letter queue with a name of its own', () => {
  const jobs = async (queue: string) => (await database.query(`select message from pgmq.q_${queue}`)).length

  beforeEach(async () => {
    for (const queue of ['failed_mail', 'live', 'fresh_mail']) {
      await database.query('select pgmq.create($1)', [queue])
      await database.query(`delete from pgmq.q_${queue}`)
    }
    await database.query(`select pgmq.send('live', '{"to":"ada"}')`)
    await database.query(`select pgmq.send('failed_mail', '{"to":"cleo"}'::jsonb, $1::jsonb)`, [
      JSON.stringify(header),
    ])
  })

  test('list, show and redrive find it', async () => {
    expect((await aimq(['dlq', 'list'], { env })).stdout).toMatch(/^failed_mail +1 /m)
    expect(await aimqJson(['dlq', 'show', 'failed_mail'], { env })).toMatchObject([
      { from: 'emails', payload: { to: 'cleo' } },
    ])
    expect(await aimqJson(['dlq', 'redrive', 'failed_mail'], { env })).toEqual({
      queue: 'failed_mail',
      count: 1,
    })
    expect(await database.query('select message from pgmq.q_emails')).toEqual([{ message: { to: 'cleo' } }])
  })

  test('purge finds it, also when it is empty', async () => {
    for (const count of [1, 0]) {
      expect(await aimqJson(['dlq', 'purge', 'failed_mail', '--yes'], { env })).toEqual({
        purged: [{ queue: 'failed_mail', count }],
      })
    }
  })

  test.each([['show'], ['redrive', '--to', 'fresh_mail'], ['purge', '--yes']])(
    '%s: jobs that wait to be worked are not taken for dead letters',
    async (command, ...options) => {
      const { code, stderr } = await aimq(['dlq', command, 'live', ...options], { env })
      expect(code).toBe(78)
      expect(stderr).toContain('expected a dead-letter queue, got live')
      expect(await jobs('live')).toBe(1)
    },
  )

  test('what is not there is told under the usual name', async () => {
    const { code, stderr } = await aimq(['dlq', 'show', 'nowhere'], { env })
    expect(code).toBe(78)
    expect(stderr).toContain('nowhere_dlq')
  })

  test('<queue>_dlq goes before: a queue with both means the second', async () => {
    expect(await aimqJson(['dlq', 'show', 'emails'], { env })).toHaveLength(2)
  })
})
