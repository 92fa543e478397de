import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readConfig } from '@aimq/cli/start'
import { startRealtime } from '@aimq/embedded'
import { expect, onTestFinished, test } from 'vitest'
import { worker as program } from '../src/worker.ts'
import { useDatabase } from './support/database.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { startWorker, type WorkerProcess } from './support/worker-process.ts'

const database = useDatabase()
const hint = (queue: string) => JSON.stringify({ event: 'job_enqueued', queue, count: 1, due_in_ms: 0, v: 1 })

/** A worker of one queue that looks at it once a day unless something wakes it. */
async function sleeper(
  queue: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<WorkerProcess> {
  const cwd = await temporaryFolder()
  await mkdir(join(cwd, 'handlers'))
  await writeFile(
    join(cwd, 'handlers', `${queue}.ts`),
    `export default async (job) => console.log('worked', job.payload.n)`,
  )
  return startWorker({
    args: ['--handlers', 'handlers', '--poll-interval-ms', '86400000', ...args],
    env: { DATABASE_URL: database.url, ...env },
    cwd,
  })
}

/** Sends, tells by `tell`, and waits for the job; three times, because the first may be met by the look after a start. */
async function sendAndSee(worker: WorkerProcess, queue: string, tell: string): Promise<void> {
  for (const n of [1, 2, 3]) {
    await database.query(`select ${tell} from pgmq.send('${queue}', '{"n": ${n}}')`)
    await worker.saw(new RegExp(`worked ${n}\\n`))
  }
}

async function stopped(worker: WorkerProcess): Promise<void> {
  worker.child.kill('SIGTERM')
  expect(await worker.ended()).toEqual({ code: 0, signal: null })
}

test('DATABASE_URL: woken over LISTEN, and says so with the time its canary took', async () => {
  const worker = await sleeper('heard', ['--no-triggers'])
  const [line] = await worker.saw(/.*wake-ups over listen are proven.*/)
  expect(JSON.parse(line)).toMatchObject({ path: 'listen', canaryMs: expect.any(Number) })
  await sendAndSee(worker, 'heard', `pg_notify('aimq:jobs', '${hint('heard')}')`)
  await stopped(worker)
})

test('SUPABASE_URL and a key: woken over Supabase Realtime alone, with --no-listen', async () => {
  const realtime = await startRealtime({ connectionString: database.url })
  onTestFinished(() => realtime.stop())
  const env = { SUPABASE_URL: realtime.url, SUPABASE_SERVICE_ROLE_KEY: realtime.serviceRoleKey }
  const worker = await sleeper('broadcast', ['--no-listen', '--no-triggers'], env)
  await worker.saw(/wake-ups over supabase are proven/)
  const tell = `realtime.send('${hint('broadcast')}', 'job_enqueued', 'aimq:jobs', true)`
  await sendAndSee(worker, 'broadcast', tell)
  expect(worker.output()).not.toContain('listen')
  expect(worker.output()).not.toContain(realtime.serviceRoleKey)
  await stopped(worker)
})

test('the database itself tells of jobs, over every path the worker hears on', async () => {
  const worker = await sleeper('told', [])
  await worker.saw(/wake-up trigger installed/)
  await sendAndSee(worker, 'told', '1')
  await stopped(worker)
  const again = await sleeper('told', [])
  await again.saw(/wake-ups over listen are proven/)
  await sendAndSee(again, 'told', '1')
  expect(again.output()).not.toContain('wake-up trigger installed')
  await stopped(again)
})

test('a role that may not install triggers works by polling, and the reason is said', async () => {
  await database.query(`select pgmq.create('barred'), pgmq.create('barred_dlq')`)
  const role = `barred_${process.pid}`
  await database.query(`create role ${role} login password 'p'`)
  onTestFinished(async () => {
    await database.query(`drop owned by ${role}`)
    await database.query(`drop role ${role}`)
  })
  await database.query(`grant usage on schema pgmq to ${role}`)
  await database.query(`grant select, insert, update, delete on all tables in schema pgmq to ${role}`)
  const env = { DATABASE_URL: database.urlWith({ user: role, password: 'p' }) }
  const worker = await sleeper('barred', ['--poll-interval-ms', '100', '--triggers'], env)
  await worker.saw(/no wake-up trigger was installed.*a role that owns the queues/)
  await stopped(worker)
})

test('with both switched off it says that nothing wakes it, and polls', async () => {
  const args = ['--no-listen', '--no-realtime', '--poll-interval-ms', '100']
  const worker = await sleeper('polled', args)
  await worker.saw(/nothing wakes this worker/)
  await sendAndSee(worker, 'polled', '1')
  await stopped(worker)
})

test('the embedded database brings a Realtime of its own, which is enough', async () => {
  const cwd = await temporaryFolder()
  const worker = startWorker({ cwd, args: ['--no-listen'] })
  await worker.saw(/wake-ups {2}Supabase Realtime, proven in [\d.]+ ms\n/)
  await worker.saw(/Waiting for jobs/)
  await stopped(worker)
})

function wakeUps(argv: string[], env: Record<string, string>) {
  const result = readConfig({ argv, env, cwd: import.meta.dirname, isTerminal: false }, program)
  return result.kind === 'config' ? { ...result.config.wakeUps, warnings: result.config.warnings } : result
}
const url = 'postgres://u:p@db.example/app'
const work = ['--handlers', 'x']

test('DIRECT_URL is for LISTEN, where DATABASE_URL goes through a pooler; the embedded database needs none', () => {
  const env = { DIRECT_URL: 'postgres://u:p@direct.example/app' }
  expect(wakeUps(work, { ...env, DATABASE_URL: url })).toMatchObject({
    listen: true,
    directUrl: env.DIRECT_URL,
  })
  expect(wakeUps(work, env)).toMatchObject({ directUrl: undefined })
  expect(wakeUps(work, { DATABASE_URL: url, DIRECT_URL: 'host=x password=CANARY' })).toMatchObject({
    kind: 'faults',
    text: expect.stringMatching(/DIRECT_URL: expected a connection string(?!.*CANARY)/),
  })
})

test('a project without a key, or without a database, is said', () => {
  const env = { DATABASE_URL: url, SUPABASE_URL: 'https://ref.supabase.co' }
  expect(wakeUps(work, env)).toMatchObject({
    supabase: undefined,
    warnings: [expect.stringContaining('no key is (SUPABASE_KEY')],
  })
  expect(wakeUps([...work, '--no-realtime'], env)).toMatchObject({ realtime: false, warnings: [] })
  expect(wakeUps([...work, '--realtime'], env)).toMatchObject({
    text: expect.stringContaining('--realtime: expected one of SUPABASE_KEY'),
  })
  expect(wakeUps([...work, '--realtime'], { DATABASE_URL: url })).toMatchObject({
    text: expect.stringContaining('--realtime: expected SUPABASE_URL to be set'),
  })
  const { SUPABASE_URL } = env
  expect(wakeUps(work, { SUPABASE_URL, SUPABASE_KEY: 'k' })).toMatchObject({
    warnings: [expect.stringContaining('DATABASE_URL is not')],
  })
  expect(wakeUps(work, { ...env, SUPABASE_URL: 'ref', SUPABASE_KEY: 'k' })).toMatchObject({
    text: expect.stringContaining(
      'SUPABASE_URL: expected a URL such as https://<ref>.supabase.co, got "ref"',
    ),
  })
  expect(wakeUps(work, { ...env, SUPABASE_KEY: 'k', SUPABASE_REALTIME_TOKEN: 't' })).toMatchObject({
    supabase: { url: SUPABASE_URL, key: 'k', token: 't' },
    realtimePublic: false,
  })
})
