import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { triggersErrorCodes } from '../src/index.ts'
import { createDatabase, type TestDatabase } from './database.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))
const readme = await readFile(join(folder, 'README.md'), 'utf8')

const [example = '', tableExample = ''] = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, code]) => code,
)

it('has an example that runs as it stands', async () => {
  expect(example.trim().split('\n').length).toBeLessThanOrEqual(20)
  await using database = await createDatabase()
  await database.query(`select pgmq.create('emails')`)
  const [, printed] = /```text\n([\s\S]*?)```/.exec(readme) ?? []
  expect(await run(example, database)).toBe(printed)
})

it('has an example of a table whose changes become jobs', async () => {
  await using database = await createDatabase()
  await database.query(`select pgmq.create('emails'); create table orders (id int primary key, status text)`)
  await run([...example.split('\n').slice(0, 3), tableExample].join('\n'), database)
  await database.query(`insert into orders values (1, 'new'); update orders set status = 'paid'`)
  expect(await database.query('select message from pgmq.q_emails')).toMatchObject([
    { message: { op: 'update', table: 'public.orders' } },
  ])
})

/** What it prints, run within the package, so that its own name and its dependencies are found. */
async function run(code: string, database: TestDatabase): Promise<string> {
  const place = await mkdtemp(join(folder, 'test', '.readme-'))
  try {
    const file = join(place, 'example.ts')
    await writeFile(file, code)
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@aimq/source', file], {
      cwd: folder,
      env: { ...process.env, DATABASE_URL: database.url, NODE_OPTIONS: '' },
    })
    return stdout
  } finally {
    await rm(place, { recursive: true })
  }
}

it('lists every error code', () => {
  for (const code of Object.values(triggersErrorCodes)) expect(readme).toContain(`\`${code}\``)
})
