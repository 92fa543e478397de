import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)

it('measures a workload for one subject and says so as JSON', { timeout: 120_000 }, async () => {
  const { stdout } = await run(process.execPath, [
    '--conditions=@aimq/source',
    join(import.meta.dirname, '../main.ts'),
    ...['--only', 'wake', '--subject', 'raw-listen', '--quick', '--json'],
  ])
  const results = JSON.parse(stdout) as unknown[]
  expect(results[0]).toEqual({
    workload: 'wake-up of an idle worker: p50',
    subject: 'raw LISTEN loop',
    unit: 'ms',
    median: expect.any(Number),
    min: expect.any(Number),
    max: expect.any(Number),
    runs: 1,
  })
})
