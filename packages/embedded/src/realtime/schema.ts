import { readSql } from '../sql.ts'
import type { Database } from './database.ts'

/** The same number in every process. */
const lockSql = `select pg_advisory_xact_lock(hashtext('aimq local realtime'))`

/** Installs schema `realtime` unless there is one, and makes the partitions of these days. */
export async function prepareSchema(database: Database): Promise<{ installed: boolean }> {
  const [row] = await locked(
    database,
    `do $guard$ begin if to_regnamespace('realtime') is null then execute ${quoted(readSql('realtime-schema'))}; perform set_config('aimq.installed', 'yes', true); end if; end $guard$;
     ${readSql('realtime-partitions')};
     select current_setting('aimq.installed', true) as installed`,
  )
  return { installed: row?.installed === 'yes' }
}

export async function keepPartitions(database: Database): Promise<void> {
  await locked(database, readSql('realtime-partitions'))
}

export async function preparePublication(database: Database): Promise<void> {
  await locked(database, readSql('realtime-publication'))
}

/** Several processes may prepare one database at the same moment. Statements without values run as one transaction. */
async function locked(database: Database, sql: string): Promise<Record<string, string | null>[]> {
  return await database.script(`${lockSql}; ${sql}`)
}

function quoted(sql: string): string {
  return `$schema$${sql}$schema$`
}
