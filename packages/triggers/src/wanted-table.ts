import { sqlOf } from './sql.ts'
import type { Owned } from './wanted.ts'

/** A table of schema `aimq` from `sql/<path>.sql`. Never replaced: it may hold what others need. */
export function wantedTable(name: string, path: string): Owned {
  const object = `table aimq.${name}`
  const condition = `exists (select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace where n.nspname = 'aimq' and c.relname = '${name}')`
  return {
    object,
    sql: sqlOf(path),
    unless: condition,
    dropSql: `drop table if exists aimq.${name};`,
    isThere: (found) => found.tables.some((table) => table.schema === 'aimq' && table.name === name),
    judge(found) {
      const there = found.tables.find((table) => table.schema === 'aimq' && table.name === name)
      if (there === undefined)
        return { action: 'create', problem: 'drifted', reason: `${object} is not there` }
      if (!there.public) return undefined
      return {
        action: 'replace',
        problem: 'drifted',
        reason: `PUBLIC has rights on ${object}`,
        sql: `revoke all on aimq.${name} from public;`,
      }
    },
  }
}
