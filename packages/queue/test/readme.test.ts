import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { queueErrorCodes } from '../src/index.ts'
import { createDatabase } from './database.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))
const readme = await readFile(join(folder, 'README.md'), 'utf8')

it('has an example that runs as it stands', async () => {
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
  expect(example.trim().split('\n').length).toBeGreaterThan(3)
  expect(example.trim().split('\n').length).toBeLessThanOrEqual(20)
  await using database = await createDatabase()
  // Within the package, so that its own name and its dependencies are found.
  const place = await mkdtemp(join(folder, 'test', '.readme-'))
  try {
    const file = join(place, 'example.ts')
    await writeFile(file, example)
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@aimq/source', file], {
      cwd: folder,
      env: { ...process.env, DATABASE_URL: database.url, NODE_OPTIONS: '' },
    })
    // The delayed one is not due yet.
    expect(stdout).toBe('1 done, 0 lost\n')
  } finally {
    await rm(place, { recursive: true })
  }
})

it('lists every error code', () => {
  for (const code of Object.values(queueErrorCodes)) expect(readme).toContain(`\`${code}\``)
})
