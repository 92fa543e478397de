import { beforeAll, describe, expect, test } from 'vitest'
import { aimq, aimqJson } from '../harness/aimq.ts'
import { useDatabase } from '../harness/database.ts'

const database = useDatabase()
const env = { DATABASE_URL: database.url }

beforeAll(async () => {
  await database.query('create extension if not exists pgmq')
  for (const queue of ['emails', 'emails_dlq', 'orders'])
    await database.query('select pgmq.create($1)', [queue])
  await database.query(
    `select pgmq.send('emails', '{"to": "ada"}'), pgmq.send('emails', '{"to": "bob"}', 3600)`,
  )
})

describe('create', () => {
  test('makes the queue and its dead-letter queue, and says what to do next', async () => {
    const { code, stdout, stderr } = await aimq(['create', 'fresh', '--no-realtime'], { env })
    expect(code).toBe(0)
    expect(stdout).toContain('✓ created fresh, fresh_dlq')
    expect(stderr).toContain(`aimq send fresh '{"to":"ada@example.com"}'`)
    expect(
      await database.query(`select queue_name from pgmq.meta where queue_name like 'fresh%'`),
    ).toHaveLength(2)
  })

  test('a second time changes nothing', async () => {
    expect(await aimqJson(['create', 'emails', '--no-realtime'], { env })).toEqual({
      queues: ['emails'],
      created: [],
      wakeUps: [],
    })
  })

  test('without a dead-letter queue', async () => {
    const made = await aimqJson(['create', 'lonely', '--no-dlq', '--no-realtime'], { env })
    expect(made).toMatchObject({ created: ['lonely'] })
  })

  test('partitioned without pg_partman: what is missing', async () => {
    const { code, stderr } = await aimq(['create', 'big', '--partitioned', '--no-realtime'], { env })
    expect(code).toBe(78)
    expect(stderr).toContain('create extension pg_partman')
  })
})

describe('list and stats', () => {
  test('as a table', async () => {
    const { code, stdout, stderr } = await aimq(['list'], { env })
    expect(code).toBe(0)
    expect(stderr).toContain(`on the database ${new URL(database.url).host}`)
    expect(stdout).toMatch(/^QUEUE +READY +IN HAND +SCHEDULED +OLDEST +ARCHIVED/)
    expect(stdout).toMatch(/^emails +1 +0 +1 /m)
    // For the eye only where there is one.
    expect(stdout).not.toContain('\u001b')
  })

  test('as JSON, with nothing else in stdout or stderr', async () => {
    const queues = (await aimqJson(['list'], { env })) as { queue: string }[]
    expect(queues).toContainEqual(
      expect.objectContaining({ queue: 'emails', metrics: expect.objectContaining({ total: 2, ready: 1 }) }),
    )
    expect(await aimqJson(['stats', 'emails'], { env })).toMatchObject([{ queue: 'emails', scheduled: 1 }])
  })

  test('stats of every queue', async () => {
    const { stdout } = await aimq(['stats'], { env })
    expect(stdout).toMatch(/^emails +2 +1 /m)
    expect(stdout).toMatch(/^orders +0 /m)
  })
})

describe('peek', () => {
  test('shows what is there and takes nothing', async () => {
    const { stdout } = await aimq(['peek', 'emails'], { env })
    expect(stdout).toContain('{"to":"ada"}')
    expect(stdout).toMatch(/due in .* \{"to":"bob"\}/)
    const messages = (await aimqJson(['peek', 'emails'], { env })) as { id: string; readCount: number }[]
    expect(messages.map(({ readCount }) => readCount)).toEqual([0, 0])
    const rest = await aimqJson(['peek', 'emails', '--after', messages[0]?.id ?? ''], { env })
    expect(rest).toHaveLength(1)
  })

  test('how to page on is said for the place that was looked into', async () => {
    await database.query(`select pgmq.create('paged')`)
    await database.query(`select pgmq.send('paged', '1') from generate_series(1, 4)`)
    await database.query(`select pgmq.archive('paged', array[1, 2]::bigint[])`)
    const { stderr } = await aimq(['peek', 'paged', '-n', '1'], { env })
    expect(stderr).toContain('More may follow: aimq peek paged --after 3\n')
    const archive = await aimq(['peek', 'paged', '--archived', '-n', '1'], { env })
    expect(archive.stderr).toContain('More may follow: aimq peek paged --archived --after 1\n')
  })

  test('what a message holds cannot command the terminal', async () => {
    await database.query(`select pgmq.create('nasty')`)
    await database.query(`select pgmq.send('nasty', $1::jsonb)`, [JSON.stringify({ a: '\u009b2J\u007f' })])
    const { stdout } = await aimq(['peek', 'nasty'], { env })
    expect(stdout).toContain('\ufffd2J\ufffd')
    expect(stdout).not.toContain('\u009b')
  })
})

describe('what is lost', () => {
  test.each(['purge', 'drop'])(
    '%s names the host and wants --yes where nobody can be asked',
    async (command) => {
      const { code, stderr } = await aimq([command, 'orders'], { env })
      expect(code).toBe(2)
      expect(stderr).toContain(new URL(database.url).host)
      expect(stderr).toContain('--yes')
      expect(await database.query(`select 1 from pgmq.meta where queue_name = 'orders'`)).toHaveLength(1)
    },
  )

  test('purge --yes deletes the messages', async () => {
    await database.query(`select pgmq.send('orders', '{}')`)
    expect(await aimqJson(['purge', 'orders', '--yes'], { env })).toEqual({
      purged: [{ queue: 'orders', count: 1 }],
    })
    expect(await database.query('select from pgmq.q_orders')).toEqual([])
    const { code, stdout } = await aimq(['purge', 'orders', '--yes'], { env })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '✓ deleted 0 messages of orders\n' })
  })

  test('drop --yes drops the queue, and says what it leaves', async () => {
    await aimq(['create', 'doomed', '--no-realtime'], { env })
    const { code, stdout, stderr } = await aimq(['drop', 'doomed', '--yes'], { env })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '✓ dropped doomed\n' })
    expect(stderr).toContain('doomed_dlq')
    expect(await aimqJson(['drop', 'doomed_dlq', '-y'], { env })).toEqual({ dropped: ['doomed_dlq'] })
    const again = await aimq(['drop', 'doomed', '--yes'], { env })
    expect(again.code).toBe(78)
    expect(again.stderr).toContain('there is no queue doomed')
  })
})
