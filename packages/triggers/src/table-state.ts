import type { TriggerFinding, TriggerState } from '@aimq/events'
import type { Session } from './database.ts'
import { sqlOf } from './sql.ts'
import { findingsOf, type InstalledTableJob } from './table-findings.ts'
import { type ResolvedTableJob, resolveTableJob } from './table-options.ts'
import { functionOf } from './table-sql.ts'

/** A row of `sql/table/list.sql`. */
export interface TableJobRow {
  readonly name: string
  readonly comment: string | null
  readonly source: string
  readonly secured: boolean
  readonly granted: boolean
  readonly installed: boolean
  readonly enabled: string | null
  readonly schema: string | null
  readonly table: string | null
  readonly definition: string | null
  readonly columns: string
  readonly queues: string
  /** Whether roles or the database are set to `session_replication_role = replica`. */
  readonly replicas: boolean
}

/** A table job as it stands, and the job it was installed for when its comment still says so. */
export interface TableJobState extends TriggerState {
  readonly kind: 'table'
  readonly job?: ResolvedTableJob
  /** The table on which the trigger stands now. */
  readonly standsOn?: { readonly schema: string; readonly table: string }
}

/** Every table job of the database. What PostgreSQL writes out in full goes by the search path, which must be the safe one. */
export async function readTableJobs(session: Session): Promise<TableJobState[]> {
  const rows = await session.query(sqlOf('table/list'))
  return rows.map((row) => tableJobState(row as unknown as TableJobRow))
}

/** What a row says, compared with what we would install for the same job. */
export function tableJobState(row: TableJobRow): TableJobState {
  const known = readComment(row.comment)
  const { job } = known ?? {}
  const { schema, table } = row
  const standsOn = schema === null || table === null ? undefined : { schema, table }
  return {
    name: row.name,
    kind: 'table',
    table: nameOf(standsOn ?? job),
    ...(standsOn === undefined ? {} : { standsOn }),
    installed: row.installed,
    ...(known === undefined ? {} : { version: known.version, job: known.job }),
    findings: known === undefined ? [unreadable(row)] : findingsOf(row, known),
  }
}

function nameOf(table: { readonly schema: string; readonly table: string } | undefined): string {
  return table === undefined ? 'an unknown table' : `${table.schema}.${table.table}`
}

function unreadable(row: TableJobRow): TriggerFinding {
  const message = `the comment on aimq.${functionOf(row.name)}() does not say what it was installed for; install it again, or remove it`
  return { problem: 'drifted', message }
}

function readComment(comment: string | null): InstalledTableJob | undefined {
  try {
    const { aimq, version, job, trigger } = JSON.parse(comment ?? '') as Record<string, unknown>
    if (aimq !== 'table job' || typeof version !== 'number' || typeof trigger !== 'string') return undefined
    return { version, trigger, job: resolveTableJob(job) }
  } catch {
    return undefined
  }
}
