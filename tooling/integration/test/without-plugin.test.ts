/*
 * Steps that wake workers are a matter of speed: take the line out of any example, and its jobs are worked all the same.
 * The examples as they stand are run by `examples.test.ts` and `readme.test.ts`.
 */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { startSupabase } from '../../docs/harness/supabase.ts'
import { readExamples } from '../../testing/examples.ts'
import { block } from '../../testing/markdown.ts'
import { accelerators, isQuickenedBy, withoutPlugin } from '../harness/without-plugin.ts'

const workspace = join(import.meta.dirname, '../../..')
const readmes = ['README.md', 'packages/worker/README.md', 'packages/realtime/README.md']

const programs = await Promise.all([
  ...readExamples().map(async ({ name, folder, main, prints, before }) => {
    return { name, folder, main, prints, before, text: await readFile(join(folder, main), 'utf8') }
  }),
  ...readmes.map(async (name) => {
    const readme = await readFile(join(workspace, name), 'utf8')
    const [text, prints] = [block(readme, 'ts'), block(readme, 'text')]
    return { name, folder: undefined, main: 'main.ts', prints, before: '', text }
  }),
])
const cases = programs.flatMap((program) =>
  accelerators
    .filter((plugin) => isQuickenedBy(program.text, plugin))
    .map((plugin) => ({ ...program, plugin })),
)

it.each(cases)(
  '$name does the same without $plugin',
  async ({ plugin, folder, main, text, prints, before }) => {
    const changed = withoutPlugin(text, plugin)
    expect(changed).not.toMatch(new RegExp(`${plugin}\\(|@aimq/${plugin}`))

    // Inside this package, so that every package the example names resolves.
    const copy = await mkdtemp(join(import.meta.dirname, '../.readme-'))
    onTestFinished(() => rm(copy, { recursive: true }))
    if (folder) await cp(folder, copy, { recursive: true })
    await writeFile(join(copy, main), changed)

    await using supabase = await startSupabase()
    if (before) await query(supabase.databaseUrl, before)
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@aimq/source', join(copy, main)],
      {
        env: {
          PATH: process.env.PATH,
          DATABASE_URL: supabase.databaseUrl,
          SUPABASE_URL: supabase.url,
          SUPABASE_KEY: supabase.secretKey,
        },
      },
    )
    expect(stdout).toBe(prints)
    expect(stderr).toBe('')
  },
)

async function query(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(text)
  await client.end()
}
