import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, it } from 'vitest'
import { type Page, parsePage, placeOf, readPages, workspace } from '../pages.ts'

const pages = await readPages()

/** Links within the repository that lead nowhere. */
function deadLinks(page: Page, all: readonly Page[]): string[] {
  return page.links.flatMap(({ line, target }) => {
    if (/^(https?|mailto):/.test(target)) return []
    const [path = '', anchor] = decodeURIComponent(target).split('#')
    const file = path === '' ? page.path : normalize(join(dirname(page.path), path))
    const at = `${placeOf({ page: page.path, line })}: ${target}`
    const there = path === '' || (!file.startsWith('..') && existsSync(join(workspace, file)))
    if (!there) return [`${at}: there is no such file`]
    if (anchor === undefined) return []
    const linked = all.find((candidate) => candidate.path === file)
    return linked?.anchors.has(anchor) ? [] : [`${at}: there is no such heading`]
  })
}

it('every link within the repository leads somewhere', () => {
  expect(pages.flatMap((page) => deadLinks(page, pages))).toEqual([])
})

it('the check sees a file and a heading that are not there, and none in code', () => {
  const page = parsePage(
    'docs/page.md',
    '# A title: `code`\n\n[a](#a-title-code) [b](#b) [c](../README.md) [d](none.md)\n\n```text\n[e](e.md)\n```\n',
  )
  expect(deadLinks(page, [page])).toEqual([
    'docs/page.md:3: #b: there is no such heading',
    'docs/page.md:3: none.md: there is no such file',
  ])
})
