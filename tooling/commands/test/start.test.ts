import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { aimq, aimqJson, start, temporaryFolder } from '../harness/aimq.ts'
import { useDatabase } from '../harness/database.ts'

const database = useDatabase()
const env = { DATABASE_URL: database.url }

beforeAll(() => database.query('create extension if not exists pgmq'))

/** A folder with a handler for each queue. */
async function project(handlers: Readonly<Record<string, string>>): Promise<string> {
  const cwd = await temporaryFolder()
  await mkdir(join(cwd, 'handlers'))
  for (const [queue, source] of Object.entries(handlers))
    await writeFile(join(cwd, `handlers/${queue}.ts`), source)
  return cwd
}

test('works the folder, with everything found at run time, and drains', async () => {
  const cwd = await project({ letters: "export default ({ payload }) => console.log('dear', payload.to)" })
  await aimqJson(['create', 'letters'], { env })
  await aimqJson(['send', 'letters', '{"to":"ada"}'], { env })
  const { code, stdout, stderr } = await aimq(['start', 'handlers', '--drain'], { env, cwd })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('dear ada')
  expect(stdout).toContain('"job completed"')
})

test('without a name: the folder "handlers"; SIGTERM stops it', async () => {
  const cwd = await project({ notes: 'export default () => {}' })
  const worker = await start(['start'], { env, cwd })
  await worker.saw(/"worker started"/)
  worker.child.kill('SIGTERM')
  expect((await worker.ended()).code).toBe(0)
})

test('a job that a trigger tells of starts long before the next poll', async () => {
  const cwd = await project({ quick: 'export default () => {}' })
  await aimqJson(['create', 'quick'], { env })
  const worker = await start(['start', '--poll-interval-ms', '60000'], { env, cwd })
  await worker.saw(/wake-ups over listen are proven/)
  await database.query(`select pgmq.send('quick', '{}')`)
  const [, waitedMs] = await worker.saw(/"waitedMs":([\d.]+).*"job completed"/)
  expect(Number(waitedMs)).toBeLessThan(5000)
})

test.each(['--env', '--env-file'])('the env file is named by %s', async (flag) => {
  const cwd = await project({ filed: 'export default () => {}' })
  await writeFile(join(cwd, 'my.env'), `DATABASE_URL=${database.url}\n`, { mode: 0o600 })
  for (const words of [[flag, 'my.env'], [`${flag}=my.env`]]) {
    const { code, stdout } = await aimq(['start', 'handlers', '--drain', ...words], { cwd })
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('"worker started"') })
  }
})

test('what is wrong is told by the name of the command: 2', async () => {
  const { code, stderr } = await aimq(['start', 'nowhere', '--drian'], { env })
  expect(code).toBe(2)
  expect(stderr).toContain('aimq start: one setting is not usable')
  expect(stderr).toContain('did you mean "--drain"')
  expect(stderr).toContain('nowhere: there is no such file or folder')
})

test('nothing to work: 2, and what to say', async () => {
  const { code, stderr } = await aimq(['start'], { env })
  expect(code).toBe(2)
  expect(stderr).toContain('--handlers <path>')
})

test('its help is the one of the worker', async () => {
  const { code, stdout } = await aimq(['start', '--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('AIMQ_CONCURRENCY')
  expect(stdout).toContain('aimq start handlers --drain')
})
