import { readFileSync } from 'node:fs'
import { escapeIdentifier, escapeLiteral } from 'pg'

export interface Filling {
  /** `:"name"` → a quoted identifier. */
  readonly identifiers?: Readonly<Record<string, string>>
  /** `:'name'` → a quoted literal. */
  readonly literals?: Readonly<Record<string, string>>
  /** `#name#` → SQL as it is, made by us or by the installer; indented as deep as its place. An empty one takes its line. */
  readonly fragments?: Readonly<Record<string, string>>
}

// One folder deep, so that the same relative path serves src/ and dist/.
const folder = new URL('../sql/', import.meta.url)
const sources = new Map<string, string>()

/** The text of `sql/<name>.sql` with its places filled, for a file that a person reads and then runs. */
export function fill(name: string, { identifiers = {}, literals = {}, fragments = {} }: Filling): string {
  const given = (kind: Readonly<Record<string, string>>, key: string): string => {
    const value = kind[key]
    if (value === undefined) throw new Error(`sql/${name}.sql: nothing given for ${key}`)
    return value
  }
  // In one pass: what was filled in is never looked at again.
  return source(name).replaceAll(
    /^([ \t]*)#(\w+)#\n|:"(\w+)"|:'(\w+)'|#(\w+)#/gm,
    (_, indent: string, block: string, identifier: string, literal: string, fragment: string) => {
      if (block !== undefined) return indented(given(fragments, block), indent)
      if (identifier !== undefined) return escapeIdentifier(given(identifiers, identifier))
      if (literal !== undefined) return escapeLiteral(given(literals, literal))
      return given(fragments, fragment)
    },
  )
}

function indented(text: string, indent: string): string {
  if (text === '') return ''
  return `${text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => (line === '' ? line : indent + line))
    .join('\n')}\n`
}

function source(name: string): string {
  const known = sources.get(name)
  if (known !== undefined) return known
  const text = readFileSync(new URL(`${name}.sql`, folder), 'utf8')
  sources.set(name, text)
  return text
}
