import { exec } from 'node:child_process'
import { existsSync, watch } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { temporaryFolder } from './support/temporary-folder.ts'
import { runWorker, startWorker } from './support/worker-process.ts'

const run = promisify(exec)

/** A project of three files, one of them hidden. */
async function project(): Promise<string> {
  const cwd = await temporaryFolder()
  await writeFile(join(cwd, 'README.md'), 'one\ntwo\n')
  await writeFile(join(cwd, 'data.json'), '{}')
  await writeFile(join(cwd, '.env'), 'SECRET=CANARY\n', { mode: 0o600 })
  return cwd
}

/** Nobody's server is left: the next start would find it running. */
const isServerRunning = (cwd: string) => existsSync(join(cwd, '.aimq', 'pgdata', 'postmaster.pid'))

test('with nothing set, starts a database, works the sample jobs, drains and exits; once', async () => {
  const cwd = await project()
  const first = await runWorker({ args: ['--drain'], cwd })
  expect(first.stderr).toBe('')
  expect(first.code).toBe(0)
  expect(first.stdout).toMatch(/database {2}embedded PostgreSQL 18.* with pgmq/)
  expect(first.stdout).toMatch(
    /wake-ups {2}LISTEN, proven in [\d.]+ ms; Supabase Realtime, proven in [\d.]+ ms\n/,
  )
  expect(first.stdout).toMatch(/✓ digests\/\d+ .*start .* ms .*README\.md {2}2 lines, 8 B, sha256/)
  expect(first.stdout.match(/✓ webhooks/g)).toHaveLength(4)
  expect(first.stdout.match(/↻ webhooks.* answered 503; again in 1\.0 s/g)).toHaveLength(1)
  expect(first.stdout.match(/✗ webhooks.* dead letter: answered 410/g)).toHaveLength(1)
  expect(first.stdout).toContain('7 jobs in ')
  expect(first.stdout).toContain('6 completed, 1 dead-lettered, 1 tried again.')
  expect(first.stdout).not.toContain('CANARY')
  expect(isServerRunning(cwd)).toBe(false)

  const second = await runWorker({ args: ['--drain'], cwd })
  expect(second.stderr).toBe('')
  expect(second.code).toBe(0)
  expect(second.stdout).not.toMatch(/[✓↻✗]/)
  expect(second.stdout).toMatch(
    /digests +2 done\n.*digests_dlq +empty\n.*webhooks +4 done\n.*webhooks_dlq +1 dead-lettered/,
  )
})

test('waits for more, and what it says to try next works as it stands', async () => {
  const cwd = await project()
  const worker = startWorker({ cwd })
  await worker.saw(/Waiting for jobs/)
  const jobs = () => worker.stdout().match(/✓ digests/g)?.length
  expect(jobs()).toBe(2)

  const [, command = ''] = await worker.saw(/Send a job:\n {2}(.*)\n/)
  const { stdout } = await run(command, { cwd, env: { PATH: process.env.PATH } })
  expect(stdout).toContain('sent as digests/3')
  await worker.saw(/✓ digests\/3 .*README\.md/)

  // Printed only where psql is installed.
  const psql = /with psql:\n {2}(.*)\n/.exec(worker.stdout())
  if (psql?.[1] !== undefined) {
    await run(psql[1], { cwd, env: { PATH: process.env.PATH } })
    await worker.saw(/✓ digests\/4 .*README\.md/)
  }

  worker.child.kill('SIGINT')
  expect(await worker.ended()).toEqual({ code: 0, signal: null })
  expect(worker.stderr()).toBe('')
  expect(worker.stdout()).toContain('Stopped.')
  expect(isServerRunning(cwd)).toBe(false)
})

test('with --log-format json, every line of stdout is JSON', async () => {
  const cwd = await project()
  const { code, stdout } = await runWorker({ args: ['--drain', '--log-format', 'json'], cwd })
  expect(code).toBe(0)
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines.filter(({ msg }) => msg === 'job completed')).toHaveLength(6)
  expect(lines.find(({ msg }) => msg === 'job completed')).toMatchObject({
    level: 'info',
    queue: expect.any(String),
    id: expect.any(String),
    attempt: 1,
    waitedMs: expect.any(Number),
    durationMs: expect.any(Number),
  })
  expect(lines.find(({ msg }) => msg === 'job moved to its dead-letter queue')).toMatchObject({
    level: 'error',
  })
})

test('finishes the sample webhooks of a run that was stopped in the middle', async () => {
  const cwd = await project()
  const first = startWorker({ cwd })
  await first.saw(/↻ webhooks/)
  first.child.kill('SIGTERM')
  expect(await first.ended()).toEqual({ code: 0, signal: null })
  const second = await runWorker({ args: ['--drain'], cwd })
  expect(second.code).toBe(0)
  expect(second.stdout).toMatch(/✓ webhooks.* 204/)
})

test('two workers on one fresh data folder share the samples; the first finishes its demo, and nothing is refused', async () => {
  const cwd = await project()
  const workers = [startWorker({ cwd }), startWorker({ cwd })]
  await Promise.all(workers.map((worker) => worker.saw(/Waiting for jobs/)))
  const outputs = workers.map((worker) => worker.stdout())
  expect(outputs.filter((text) => text.includes('samples  '))).toHaveLength(1)
  expect(outputs.filter((text) => / jobs in .* completed/.test(text))).toHaveLength(1)
  expect(outputs.join()).not.toContain('answered 401')
  expect((await stat(join(cwd, '.aimq', 'webhook-secret'))).mode & 0o777).toBe(0o600)
  expect(existsSync(join(cwd, '.aimq', 'filling'))).toBe(false)
  // Ended by either.
  await vi.waitFor(() => {
    const all = workers.map((worker) => worker.stdout()).join()
    expect(all.match(/✓ webhooks/g)).toHaveLength(4)
    expect(all.match(/✗ webhooks.*410/g)).toHaveLength(1)
  }, 15_000)
  for (const { child } of workers) child.kill('SIGINT')
  for (const worker of workers) expect(await worker.ended()).toEqual({ code: 0, signal: null })
  expect(isServerRunning(cwd)).toBe(false)
})

test('stopped while it starts, it undoes what it has started', async () => {
  const cwd = await project()
  const made = Promise.withResolvers<void>()
  const watcher = watch(cwd, (_event, name) => name === '.aimq' && made.resolve())
  const worker = startWorker({ cwd })
  const ended = worker.ended().then(() => Promise.reject(new Error(worker.output())))
  await Promise.race([made.promise, ended]).finally(() => watcher.close())
  worker.child.kill('SIGTERM')
  expect(await worker.ended()).toEqual({ code: 0, signal: null })
  expect(worker.output()).toBe('')
  expect(isServerRunning(cwd)).toBe(false)
})
