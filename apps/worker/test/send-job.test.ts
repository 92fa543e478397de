import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { useDatabase } from './support/database.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const script = fileURLToPath(new URL('../examples/send-job.ts', import.meta.url))
const database = useDatabase()
const nowhere = 'postgres://u:CANARY-p4ssw0rd@127.0.0.1:1/app'

async function run(args: string[], url: string) {
  const cwd = await temporaryFolder()
  const env = { PATH: process.env.PATH, DATABASE_URL: url }
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=@aimq/source', script, ...args],
      { cwd, env },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })
}

test.each([
  ['nothing', [], 'expected a queue and a payload'],
  ['no payload', ['digests'], 'expected a payload behind the queue'],
  ['no JSON', ['digests', '{path:README.md}'], 'expected a payload in JSON'],
  ['a bad name', ['No Queue', '{}'], 'expected a queue name'],
  [
    'a payload without quotes',
    ['digests', '{"a":', '1}'],
    'expected a queue and a payload, got 3 words; put the payload in quotes',
  ],
])('%s: one line and the usage, exit code 2', async (_name, args, expected) => {
  const { code, stdout, stderr } = await run(args, nowhere)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(`send-job: ${expected}`)
  expect(stderr.trim().split('\n')).toHaveLength(2)
})

test('a database that is not there, and a queue that is not there: one line, exit code 1', async () => {
  await database.query('create extension if not exists pgmq')
  for (const [url, expected] of [
    [nowhere, '127.0.0.1:1/app'],
    [database.url, 'send "nope"'],
  ] as const) {
    const { code, stdout, stderr } = await run(['nope', '{}'], url)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(expected)
    expect(stderr).not.toContain('CANARY')
    expect(stderr.trim().split('\n')).toHaveLength(1)
  }
})
