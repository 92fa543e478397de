import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readMark, statementMarks } from '../harness/statements.ts'

const sqlOf = (name: string) =>
  readFile(join(import.meta.dirname, `../../../packages/queue/sql/queries/${name}.sql`), 'utf8')

it.each(Object.entries(statementMarks))('the proxy still finds %s by what it says', async (name, mark) => {
  // Comments are not sent.
  const said = (await sqlOf(name)).replaceAll(/^--(?!\?).*$/gm, '')
  expect(said).toContain(mark)
})

it('the proxy still finds reads by what they say', async () => {
  expect(await sqlOf('settle')).toContain(readMark)
})
