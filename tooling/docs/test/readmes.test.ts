/* What the READMEs of packages share: the order in which a reader meets things, and what they say of their manifests. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readPages, workspace } from '../pages.ts'

const pages = await readPages()
const readmes = pages.filter(({ path }) => /^packages\/\w+\/README\.md$/.test(path))

const headings = ['Install', 'Use', 'Events', 'Options', 'SQL', 'Errors and compatibility']

/** Which contract a package asks for. */
function rangeOf(folder: string): string | undefined {
  const text = readFileSync(join(workspace, folder, 'package.json'), 'utf8')
  const { peerDependencies } = JSON.parse(text) as { peerDependencies?: Record<string, string> }
  return peerDependencies?.['@aimq/events']?.replace('workspace:', '')
}

it('every package has a README', () => {
  expect(readmes.length).toBeGreaterThan(6)
})

describe.each(readmes)('$path', ({ path, text }) => {
  const folder = path.replace('/README.md', '')
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '')

  it('begins with its name and what it does', () => {
    expect(text).toMatch(new RegExp(`^# ${folder.replace('packages', '@aimq')}\n\n[A-Z]`))
  })

  it('has the headings that all have', () => {
    expect([...prose.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual(headings)
  })

  it('asks for the contract that its manifest asks for', () => {
    const said = [...prose.matchAll(/Needs `@aimq\/events` (>=\S+ <\d+)/g)].map(([, range]) => range)
    const range = rangeOf(folder)
    expect(said).toEqual(range === undefined ? [] : [range])
  })
})

it('docs/upgrade.md names the ranges that the manifests have', () => {
  const { text } = pages.find(({ path }) => path === 'docs/upgrade.md') ?? { text: '' }
  const named = new Set([...text.matchAll(/`(>=[^`]+)`/g)].map(([, range]) => range))
  const asked = readmes.map(({ path }) => rangeOf(path.replace('/README.md', '')))
  expect(named).toEqual(new Set(asked.filter((range) => range !== undefined)))
})
