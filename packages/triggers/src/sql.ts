import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

// One folder deep, so that the same relative path serves src/ and dist/.
const folder = new URL('../sql/', import.meta.url)
const sources = new Map<string, string>()

/** The text of `sql/<path>.sql` without the comments that stand before it. Read when first used, never at import. */
export function sqlOf(path: string): string {
  const known = sources.get(path)
  if (known !== undefined) return known
  const text = readFileSync(new URL(`${path}.sql`, folder), 'utf8')
    .replace(/^(--.*\n)+/, '')
    .trim()
  sources.set(path, text)
  return text
}

/** The body of the function that `sql` creates, as PostgreSQL keeps it. */
export function bodyOf(sql: string): string {
  const [, body] = /as \$function\$([\s\S]*)\$function\$/.exec(sql) ?? []
  if (body === undefined)
    throw new Error('expected a function with its body between $function$ and $function$')
  return body
}

export function checksumOf(texts: readonly string[]): string {
  return createHash('sha256').update(texts.join('\n')).digest('hex')
}

/** A value as SQL text, for statements that take no parameters. Only for values that were checked. */
export function literal(value: string): string {
  if (/[\\\0]/.test(value)) throw new Error('expected a text without backslashes')
  return `'${value.replaceAll("'", "''")}'`
}

/** A name that somebody else gave, as an identifier; quoted only where it must be. */
export function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
