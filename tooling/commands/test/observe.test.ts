import { beforeAll, expect, test, vi } from 'vitest'
import { aimq, aimqJson, start } from '../harness/aimq.ts'
import { useDatabase } from '../harness/database.ts'

const database = useDatabase()
const env = { DATABASE_URL: database.url }
const queues = async () =>
  (await database.query('select queue_name from pgmq.meta order by 1')).map(({ queue_name }) => queue_name)

beforeAll(async () => {
  await database.query('create extension if not exists pgmq')
  await database.query(`select pgmq.create('emails')`)
  await database.query(`select pgmq.send('emails', '{}') from generate_series(1, 3)`)
  await database.query(`select pgmq.archive('emails', 1::bigint)`)
})

/** What `top` shows of the last minute and of canaries, it shows of a slow machine only now and then: asked until it does. */
const eventually = <Result>(look: () => Promise<Result>): Promise<Result> =>
  vi.waitFor(look, { timeout: 50_000, interval: 100 })

const doneJustNow = () => database.query('update pgmq.a_emails set archived_at = clock_timestamp()')

test('top where there is no terminal prints one frame', async () => {
  const stdout = await eventually(async () => {
    const { code, stdout } = await aimq(['top'], { env })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^wake-ups {2}● LISTEN\/NOTIFY [\d.]+ m?s$/m)
    return stdout
  })
  expect(stdout).toMatch(/^emails +2 +· +· /m)
  expect(stdout).toContain('2 ready · 0 in hand')
  expect(stdout).not.toContain('\u001b')
})

test('top --once --json: rates between two looks, latency from the archive', () =>
  eventually(async () => {
    await doneJustNow()
    expect(await aimqJson(['top', 'emails', '--once'], { env })).toMatchObject({
      queues: [
        {
          queue: 'emails',
          ready: 2,
          archived: 1,
          sentPerSecond: 0,
          p50Ms: expect.any(Number),
          wakeUps: 'polling',
        },
      ],
      realtime: { health: 'healthy' },
    })
  }))

test('top --json: a line for each look, until Ctrl-C', async () => {
  const top = await start(['top', '--json', '--interval', '100ms'], { env })
  await top.saw(/\n.*\n.*\n/)
  await database.query(`select pgmq.send('emails', '{}') from generate_series(1, 50)`)
  await top.saw(/"sentPerSecond":[1-9]/)
  top.child.kill('SIGINT')
  const { code, stdout, stderr } = await top.ended()
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const line of stdout.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('queues')
})

test('top of a queue that is not there', async () => {
  const { code, stderr } = await aimq(['top', 'nowhere'], { env })
  expect(code).toBe(78)
  expect(stderr).toContain('aimq create nowhere')
})

test('bench measures and draws, and leaves nothing behind', async () => {
  const before = await queues()
  const { code, stdout } = await aimq(['bench', '--samples', '20', '--jobs', '500'], { env })
  expect(code).toBe(0)
  expect(stdout).toContain('From send to start, 20 jobs one by one, woken by a trigger over LISTEN/NOTIFY')
  expect(stdout).toMatch(/< \d+ ms +[█▏▎▍▌▋▊▉]+ +\d+/)
  expect(stdout).toMatch(/p50 .* p95 .* p99 .* max /)
  expect(stdout).toMatch(/worked +[\d,]+\/s/)
  expect(await queues()).toEqual(before)
  expect(await database.query(`select from pg_namespace where nspname = 'aimq'`)).toEqual([])
})

test('bench --json', async () => {
  expect(await aimqJson(['bench', '--samples', '5', '--jobs', '0'], { env })).toMatchObject({
    wakeUp: { count: 5, p50Ms: expect.any(Number), paths: ['listen'], trigger: true },
  })
})

test('bench: Ctrl-C drops its queue, too', async () => {
  const before = await queues()
  const bench = await start(['bench', '--samples', '100000'], { env })
  while ((await queues()).length === before.length);
  bench.child.kill('SIGINT')
  expect((await bench.ended()).code).toBe(130)
  expect(await queues()).toEqual(before)
})

test('bench on another machine wants --yes where nobody can be asked', async () => {
  const { code, stderr } = await aimq(['bench'], {
    env: { DATABASE_URL: 'postgres://u:p@db.example.com/app' },
  })
  expect(code).toBe(2)
  expect(stderr).toContain('db.example.com')
  expect(stderr).toContain('--yes')
})
