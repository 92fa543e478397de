import type { Catalogue } from './catalogue.ts'
import { isNewer as isNewerTrigger, isOurs } from './queue-trigger.ts'
import type { Owned, Wanted } from './wanted.ts'
import { wantedTable } from './wanted-table.ts'

/** The name of this package in the ledger that all packages of AIMQ share. */
export const packageName = '@aimq/triggers'

/** Whether a newer version of this package was here. */
function isNewer(found: Catalogue, parts: readonly Wanted[]): boolean {
  const faults = parts.map((part) => part.judge(found))
  // What is not as we would make it, and is left alone nevertheless.
  if (faults.some((fault) => fault?.problem === 'drifted' && fault.action === undefined)) return true
  return found.triggers.some((trigger) => isOurs(trigger) && isNewerTrigger(trigger))
}

/** Held by whoever changes schema `aimq`, of whichever package. */
export const installLockSql = "select pg_advisory_xact_lock(hashtextextended('aimq.migration', 0))"

export const wantedSchema: Wanted = {
  object: 'schema aimq',
  sql: 'create schema aimq;',
  unless: "exists (select from pg_catalog.pg_namespace where nspname = 'aimq')",
  judge: (found) =>
    found.schema ? undefined : { action: 'create', problem: 'drifted', reason: 'schema aimq is not there' },
}

export const wantedLedger = (): Wanted => wantedTable('migration', 'core/migration-table')

/**
 * A note in the ledger that the SQL of this name and checksum is installed.
 *
 * @param parts what that SQL made: while something of it is newer than ours, the note is, too
 */
export function wantedEntry(name: string, checksum: string, parts: readonly Wanted[]): Owned {
  const object = `entry "${name}" of ${packageName} in aimq.migration`
  return {
    object,
    sql: `insert into aimq.migration (package, name, checksum) values ('${packageName}', '${name}', '${checksum}')
  on conflict (package, name) do update set checksum = excluded.checksum, applied_at = clock_timestamp();`,
    unless: `exists (select from aimq.migration where package = '${packageName}' and name = '${name}' and checksum = '${checksum}')`,
    dropSql: `delete from aimq.migration where package = '${packageName}' and name = '${name}';`,
    isThere: (found) => found.ledger.has(name),
    judge(found) {
      const noted = found.ledger.get(name)
      if (noted === checksum || isNewer(found, parts)) return undefined
      return {
        action: noted === undefined ? 'create' : 'replace',
        problem: 'drifted',
        reason: `${object} ${noted === undefined ? 'is not there' : 'is of other SQL'}`,
      }
    },
  }
}
