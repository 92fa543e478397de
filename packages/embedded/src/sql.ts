import { readFileSync } from 'node:fs'

// One folder deep, so that the same relative path serves src/ and dist/.
const folder = new URL('../sql/', import.meta.url)

/** The text of `sql/<name>.sql`. Read when it is used, never at import. */
export function readSql(name: string): string {
  return readFileSync(new URL(`${name}.sql`, folder), 'utf8')
}
