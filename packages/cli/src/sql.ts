import { readFileSync } from 'node:fs'

/** The statement in `sql/<name>.sql`. One folder deep, so that the same relative path serves src/ and dist/. */
export const sqlText = (name: string): string =>
  readFileSync(new URL(`../sql/${name}.sql`, import.meta.url), 'utf8')
