import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type LocalSupabase, startSupabase } from '../harness/supabase.ts'
import { type Block, placeOf, readPages } from '../pages.ts'

const blocks = (await readPages()).flatMap((page) => page.blocks)
const pages = Map.groupBy(
  blocks.filter(({ language }) => language === 'sql'),
  ({ page }) => page,
)

let supabase: LocalSupabase
beforeAll(async () => {
  supabase = await startSupabase()
})
afterAll(() => supabase?.[Symbol.asyncDispose]())

/** What a page takes for granted in its database, beyond the queue `emails`. */
async function setup(page: string): Promise<string> {
  const file = join(import.meta.dirname, '../contexts', `${page.replaceAll('/', '__')}.sql`)
  return existsSync(file) ? readFile(file, 'utf8') : ''
}

/** Runs the blocks of a page one after the other, as a reader would, and leaves nothing behind. */
async function run(own: readonly Block[]): Promise<string[]> {
  const client = new pg.Client({ connectionString: supabase.databaseUrl })
  await client.connect()
  try {
    await client.query(`begin; select pgmq.create('emails'); select pgmq.create('emails_dlq')`)
    await client.query(await setup(own[0]?.page ?? ''))
    for (const block of own) {
      try {
        await client.query(block.text)
      } catch (thrown) {
        return [`${placeOf(block)}: ${(thrown as Error).message}`]
      }
    }
    return []
  } finally {
    await client.query('rollback')
    await client.end()
  }
}

it.each([...pages.keys()])('the SQL of %s runs', async (page) => {
  expect(await run(pages.get(page) ?? [])).toEqual([])
})

it('the check sees SQL that does not run', async () => {
  const text = `select pgmq.sent('emails', '{}');`
  const faults = await run([{ page: 'docs/page.md', line: 7, language: 'sql', text }])
  expect(faults[0]).toMatch(/^docs\/page\.md:7: function pgmq\.sent\(.*\) does not exist$/)
})
