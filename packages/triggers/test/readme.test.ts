import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { rolesSql, triggersErrorCodes } from '../src/index.ts'
import { createDatabase } from './database.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))
const readme = await readFile(join(folder, 'README.md'), 'utf8')

/** The first block of each language under a heading. */
function blocksUnder(heading: string): Readonly<Record<string, string>> {
  const [, section = ''] = readme.split(`\n${heading}\n`)
  const [own = ''] = section.split(/^#/m)
  const blocks = [...own.matchAll(/```(\w+)\n([\s\S]*?)```/g)].toReversed()
  return Object.fromEntries(blocks.map(([, language, text]) => [language, text]))
}

it('has an example that runs as it stands', async () => {
  const { ts = '', text } = blocksUnder('## Use')
  expect(ts.trim().split('\n').length).toBeLessThanOrEqual(20)
  await using database = await createDatabase()
  await database.query(`select pgmq.create('emails')`)
  expect(await run(ts, database.url)).toBe(text)
})

it('has an example of a table whose changes become jobs, of the shape it says', async () => {
  await using database = await createDatabase()
  await database.query(`select pgmq.create('orders');
    create table orders (id int primary key, status text, card text); insert into orders values (1, 'new', '4111')`)
  const { ts = '', text, json = '' } = blocksUnder('### A change of a table is a job')
  expect(await run(ts, database.url)).toBe(text)
  await database.query(`update orders set status = 'paid' where id = 1`)
  expect(await database.query('select message from pgmq.q_orders')).toEqual([{ message: JSON.parse(json) }])
})

it('has an example of the SQL for roles', async () => {
  const { ts = '' } = blocksUnder('### Roles')
  const sql = rolesSql({ queues: ['emails'], roles: ['producer', 'worker'] })
  expect(await run(ts, 'postgres://nowhere')).toBe(`${sql}\n`)
})

/** What it prints, run within the package, so that its own name and its dependencies are found. */
async function run(code: string, databaseUrl: string): Promise<string> {
  const place = await mkdtemp(join(folder, 'test', '.readme-'))
  try {
    const file = join(place, 'example.ts')
    await writeFile(file, code)
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@aimq/source', file], {
      cwd: folder,
      env: { ...process.env, DATABASE_URL: databaseUrl, NODE_OPTIONS: '' },
    })
    return stdout
  } finally {
    await rm(place, { recursive: true })
  }
}

it('lists every error code', () => {
  for (const code of Object.values(triggersErrorCodes)) expect(readme).toContain(`\`${code}\``)
})
