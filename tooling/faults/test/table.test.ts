import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const top = join(import.meta.dirname, '../../..')

/** The text of every test there is, by its path. */
async function testSources(): Promise<string[]> {
  const sources: string[] = []
  for (const folder of ['packages', 'apps', 'tooling']) {
    for (const name of await readdir(join(top, folder))) {
      const at = join(top, folder, name)
      const entries = await readdir(join(at, 'test'), { recursive: true }).catch(() => [])
      for (const entry of [...entries.map((file) => join('test', file))].filter((file) =>
        file.endsWith('.test.ts'),
      ))
        sources.push(await readFile(join(at, entry), 'utf8'))
      // Suites that several packages run.
      const shared = await readdir(join(at, 'src/testing')).catch(() => [])
      for (const file of shared) sources.push(await readFile(join(at, 'src/testing', file), 'utf8'))
    }
  }
  return sources
}

it('all fifty faults have a test, and each test that is named is there', async () => {
  const page = await readFile(join(top, 'docs/reliability.md'), 'utf8')
  const rows = [...page.matchAll(/^\| (\d\d) \| (.+) \| (.+) \|$/gm)].map(([, number, , tests = '']) => ({
    number: Number(number),
    titles: [...tests.matchAll(/`([^`]+)`/g)].map(([, title = '']) => title),
  }))
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1))
  const sources = (await testSources()).join('\n')
  // A title begins right behind its quote: in the middle of something longer these words may say anything.
  const isThere = (title: string) => ["'", '"', '`'].some((quote) => sources.includes(quote + title))
  const missing = rows.flatMap(({ number, titles }) => [
    ...(titles.length === 0 ? [`row ${number} names no test`] : []),
    ...titles.filter((title) => !isThere(title)).map((title) => `row ${number}: ${title}`),
  ])
  expect(missing).toEqual([])
})
