import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { useDatabase } from './support/database.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { startWorker, type WorkerProcess } from './support/worker-process.ts'

const database = useDatabase()
let queue = ''
let tests = 0

beforeEach(() => {
  tests += 1
  queue = `stop_${tests}`
})

/** A worker of one queue, whose handler is `source`; it is up when this resolves. */
async function workerOf(source: string, args: string[] = []): Promise<WorkerProcess> {
  const cwd = await temporaryFolder()
  await mkdir(join(cwd, 'handlers'))
  await writeFile(join(cwd, 'handlers', `${queue}.ts`), source)
  const env = { DATABASE_URL: database.url, AIMQ_HANDLERS: 'handlers' }
  const worker = startWorker({ args, env, cwd })
  await worker.saw(/"worker started"/)
  return worker
}

const send = (payload = '{}') => database.query(`select pgmq.send('${queue}', '${payload}')`)
const archived = async () => (await database.query(`select msg_id from pgmq.a_${queue}`)).length
const ready = () =>
  database.query(`select msg_id, headers from pgmq.q_${queue} where vt <= clock_timestamp()`)

const untilAborted = `export default async (job) => {
  console.log('began', job.attempt)
  await new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason)))
}`
const stubborn = `export default async () => {
  console.log('began')
  await new Promise(() => setInterval(() => {}, 1000))
}`
const brief = `export default async (job) => {
  console.log('began', job.attempt, 'due for', Math.round(job.waitedMs))
  await new Promise((resolve) => setTimeout(resolve, 300))
}`

test('SIGTERM: a job in hand may finish within the grace period', async () => {
  const worker = await workerOf(brief)
  await send()
  await worker.saw(/began/)
  worker.child.kill('SIGTERM')
  expect(await worker.ended()).toEqual({ code: 0, signal: null })
  expect(worker.stdout()).toContain('job completed')
  expect(await archived()).toBe(1)
})

test('SIGTERM: what does not finish is handed back, and a peer starts it at once, as the same attempt', async () => {
  const graceMs = 200
  const worker = await workerOf(untilAborted, ['--grace-period-ms', String(graceMs)])
  await send()
  await worker.saw(/began 1/)
  const peer = await workerOf(brief)
  const toldAt = performance.now()
  worker.child.kill('SIGTERM')
  expect(await worker.ended()).toEqual({ code: 0, signal: null })
  expect(performance.now() - toldAt).toBeLessThan(graceMs + 1000)
  expect(worker.stdout()).toContain('job handed back')
  const [, waitedMs] = await peer.saw(/began 1 due for (\d+)/)
  // At once where its wake-ups are proven by now, and by its next poll where they are not.
  expect(Number(waitedMs)).toBeLessThanOrEqual(1500)
  await peer.saw(/job completed/)
  expect(await archived()).toBe(1)
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a second %s hands back at once, whatever the grace period', async (signal, code) => {
  const worker = await workerOf(untilAborted, ['--grace-period-ms', '60000'])
  await send()
  await worker.saw(/began/)
  worker.child.kill(signal)
  await worker.saw(/"worker stops"/)
  // The first one has been taken; two within a blink of an eye count as one press of a key.
  const sentAt = performance.now()
  await new Promise((resolve) => setTimeout(resolve, 50))
  worker.child.kill(signal)
  expect(await worker.ended()).toEqual({ code, signal: null })
  expect(performance.now() - sentAt).toBeLessThan(2000)
  expect(await ready()).toHaveLength(1)
})

test('a second signal does not wait for a handler that never ends', async () => {
  const worker = await workerOf(stubborn, ['--grace-period-ms', '60000'])
  await send()
  await worker.saw(/began/)
  worker.child.kill('SIGTERM')
  await worker.saw(/"worker stops"/)
  await new Promise((resolve) => setTimeout(resolve, 50))
  const sentAt = performance.now()
  worker.child.kill('SIGTERM')
  expect(await worker.ended()).toEqual({ code: 143, signal: null })
  expect(performance.now() - sentAt).toBeLessThan(2000)
  expect(await ready()).toHaveLength(1)
})

test('three signals, 60 ms apart, end it within 2 s, and lose no job', async () => {
  const worker = await workerOf(stubborn, ['--grace-period-ms', '60000'])
  await send()
  await worker.saw(/began/)
  const sentAt = performance.now()
  for (let signals = 0; signals < 3; signals++) {
    worker.child.kill('SIGTERM')
    await new Promise((resolve) => setTimeout(resolve, 60))
  }
  expect(await worker.ended()).toEqual({ code: 143, signal: null })
  expect(performance.now() - sentAt).toBeLessThan(2000)
  expect(await database.query(`select msg_id from pgmq.q_${queue}`)).toHaveLength(1)
})

test.each([100, 400, 700, 1000])('a signal %i ms into its start ends it within 2 s', async (afterMs) => {
  const cwd = await temporaryFolder()
  await mkdir(join(cwd, 'handlers'))
  await writeFile(join(cwd, 'handlers', `${queue}.ts`), brief)
  const worker = startWorker({ env: { DATABASE_URL: database.url, AIMQ_HANDLERS: 'handlers' }, cwd })
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  const sentAt = performance.now()
  worker.child.kill('SIGTERM')
  // Before it listens to signals the system ends it.
  expect([
    { code: null, signal: 'SIGTERM' },
    { code: 0, signal: null },
  ]).toContainEqual(await worker.ended())
  expect(performance.now() - sentAt).toBeLessThan(2000)
})

test('--drain exits 0 when the queues are empty, and not when it was interrupted', async () => {
  const drained = await workerOf(brief)
  await send()
  await drained.saw(/job completed/)
  drained.child.kill('SIGTERM')
  await drained.ended()
  const empty = await workerOf(brief, ['--drain'])
  expect(await empty.ended()).toEqual({ code: 0, signal: null })

  await send()
  const interrupted = await workerOf(untilAborted, ['--drain', '--grace-period-ms', '0'])
  await interrupted.saw(/began/)
  interrupted.child.kill('SIGTERM')
  expect(await interrupted.ended()).toEqual({ code: 143, signal: null })
  expect(await ready()).toHaveLength(1)
})

test('stdout closed by its reader: a graceful stop with exit code 1, and no job lost', async () => {
  const worker = await workerOf(brief)
  await send()
  await worker.saw(/began/)
  worker.child.stdout?.destroy()
  expect(await worker.ended()).toEqual({ code: 1, signal: null })
  expect(worker.stderr().trim().split('\n')).toEqual([expect.stringContaining('stdout was closed')])
  expect((await archived()) + (await ready()).length).toBe(1)
})

test.each([
  [
    'rejection',
    `export default async () => { void Promise.reject(new Error('postgres://u:CANARY@db is lost')) }`,
  ],
  [
    'exception',
    `export default async () => { for (let n = 0; n < 100; n++) setImmediate(() => { throw new Error('postgres://u:CANARY@db is lost') }) }`,
  ],
])(
  'an unhandled %s: a graceful stop with exit code 1, said without secrets, no loop',
  async (_name, source) => {
    const worker = await workerOf(source)
    await send()
    expect(await worker.ended()).toEqual({ code: 1, signal: null })
    expect(worker.stderr()).toContain('postgres://u:***@db is lost')
    expect(worker.output()).not.toContain('CANARY')
    expect(worker.stderr().match(/is lost/g)?.length).toBeLessThanOrEqual(3)
    expect((await archived()) + (await ready()).length).toBe(1)
  },
)

test('payloads are logged only where somebody asked for it, and then without secrets', async () => {
  const quiet = await workerOf(brief)
  await send('{"name": "Ada Lovelace"}')
  await quiet.saw(/job completed/)
  expect(quiet.output()).not.toContain('Lovelace')
  quiet.child.kill('SIGTERM')
  await quiet.ended()

  const talking = await workerOf(brief, ['--log-payloads'])
  await send('{"name": "Ada Lovelace", "password": "CANARY", "url": "postgres://u:CANARY@db"}')
  await talking.saw(/job completed/)
  expect(talking.output()).toContain('Lovelace')
  expect(talking.output()).toContain('payloads are logged')
  expect(talking.output()).not.toContain('CANARY')
})

test('process.exit() in a handler is no success, and is told', async () => {
  const worker = await workerOf('export default () => process.exit(0)')
  await send()
  expect(await worker.ended()).toEqual({ code: 1, signal: null })
  expect(worker.stderr()).toContain('called process.exit()')
})

test('--drain says which retries it waits for, and when they are due', async () => {
  await database.query(`select pgmq.create('${queue}')`)
  await send()
  const source = `import { retry } from '${import.meta.resolve('@aimq/worker')}'
export default () => retry({ delaySeconds: 293 })`
  const worker = await workerOf(source, ['--drain'])
  await worker.saw(/waiting for/)
  expect(worker.stdout()).toMatch(new RegExp(`waiting for 1 retry in ${queue}, due in 4 min \\d+ s`))
})
