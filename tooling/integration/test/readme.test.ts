import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { block } from '../../testing/markdown.ts'
import { createDatabase } from '../harness/database.ts'

const workspace = join(import.meta.dirname, '../../..')

it.each([
  'README.md',
  'packages/events/README.md',
  'packages/worker/README.md',
  'packages/realtime/README.md',
])('the example of %s runs, and prints what it says', async (path) => {
  const markdown = await readFile(join(workspace, path), 'utf8')
  await using database = await createDatabase()
  // Inside this package, so that every package the example names resolves.
  const folder = await mkdtemp(join(import.meta.dirname, '../.readme-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'example.ts')
  await writeFile(file, block(markdown, 'ts'))
  const env = { PATH: process.env.PATH, DATABASE_URL: database.url }
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@aimq/source', file],
    { env },
  )
  expect(stdout).toBe(block(markdown, 'text'))
  expect(stderr).toBe('')
})
