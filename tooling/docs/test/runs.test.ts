import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { startSupabase } from '../harness/supabase.ts'
import { type Block, placeOf, readPages } from '../pages.ts'

/** Examples whose output stands below them. Those of READMEs are run elsewhere, installed as a user would. */
const examples = (await readPages())
  .filter(({ path }) => path.startsWith('docs/'))
  .flatMap(({ blocks }) =>
    blocks.flatMap((block, index): { name: string; example: Block; output: string }[] => {
      const next = blocks[index + 1]
      if (block.language !== 'ts' || next?.language !== 'text') return []
      return [{ name: placeOf(block), example: block, output: next.text }]
    }),
  )

it.each(examples)('the example at $name runs, and prints what it says', async ({ example, output }) => {
  await using supabase = await startSupabase()
  // Inside this package, so that every package the example names resolves.
  const folder = await mkdtemp(join(import.meta.dirname, '../.blocks-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'example.ts')
  await writeFile(file, example.text)
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@aimq/source', file],
    {
      timeout: 30_000,
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: supabase.databaseUrl,
        DIRECT_URL: supabase.databaseUrl,
        SUPABASE_URL: supabase.url,
        SUPABASE_SECRET_KEY: supabase.secretKey,
      },
    },
  )
  expect(stdout).toBe(output)
  expect(stderr).toBe('')
})
