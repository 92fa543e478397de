import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { aimq, expectNoSecret, start, temporaryFolder } from '../harness/aimq.ts'
import { canary, useDatabase } from '../harness/database.ts'
import { watchProcessList } from '../harness/process-list.ts'

/* Arguments are for everybody to read: of whatever a command starts, not only of the command itself. */
const database = useDatabase()

beforeAll(() => database.query('create extension if not exists pgmq'))

describe.runIf(process.platform === 'linux')('the process list', () => {
  test('is one in which a secret would be seen: a grandchild that has it in its arguments is', async () => {
    const code = `require('node:child_process').spawnSync('sh', ['-c', 'sleep 0.5; :', process.env.SECRET])`
    const child = spawn(process.execPath, ['-e', code], {
      env: { PATH: process.env.PATH, SECRET: canary },
      stdio: 'ignore',
    })
    const processes = watchProcessList(child.pid ?? 0)
    await once(child, 'close')
    processes.stop()
    expect(() => expectNoSecret(processes.seen())).toThrow()
  })

  test('start: its worker and the process that tries the handlers have none', async () => {
    const cwd = await temporaryFolder()
    await mkdir(join(cwd, 'handlers'))
    await writeFile(join(cwd, 'handlers/notes.ts'), 'export default () => {}')
    await writeFile(join(cwd, '.env'), `DATABASE_URL=${database.url}\n`, { mode: 0o600 })
    const worker = await start(['start'], { cwd })
    await worker.saw(/"worker started"/)
    worker.child.kill('SIGTERM')
    expect((await worker.ended()).code).toBe(0)
    expect(worker.processes()).toContainEqual(expect.stringContaining('import-check-program'))
    expectNoSecret(worker.processes())
  })

  test('bench has none', async () => {
    const { code } = await aimq(['bench', '--samples', '5', '--jobs', '100'], {
      env: { DATABASE_URL: database.url },
    })
    expect(code).toBe(0)
  })

  test('dev: what starts and what is PostgreSQL has none of what is in the environment', async () => {
    const cwd = await temporaryFolder()
    const dev = await start(['dev'], { cwd, env: { DATABASE_URL: database.url, PGPASSWORD: canary } })
    await dev.saw(/Ctrl-C stops it/)
    dev.child.kill('SIGINT')
    await dev.ended()
    expect(dev.processes()).toContainEqual(expect.stringMatching(/postgres.* -D /))
    // Nor what signs the keys of the local Realtime.
    expect(dev.processes().filter((line) => /eyJ|secret=/i.test(line))).toEqual([])
  })
})
