import type { TriggerFinding, TriggerState } from '@aimq/events'
import type { Session } from './database.ts'
import { sqlOf } from './sql.ts'
import { type ResolvedTableJob, resolveTableJob } from './table-options.ts'
import { coalesceIndexOf, functionBody, functionOf, tableJobVersion, triggerOf } from './table-sql.ts'

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
}

/** A table job as it stands, and the job it was installed for when its comment still says so. */
export interface TableJobState extends TriggerState {
  readonly kind: 'table'
  readonly job?: ResolvedTableJob
  /** The table on which the trigger stands now. */
  readonly standsOn?: { readonly schema: string; readonly table: string }
}

interface Installed {
  readonly version: number
  readonly job: ResolvedTableJob
  readonly trigger: string
}

/** Every table job of the database. */
export async function readTableJobs(session: Session): Promise<TableJobState[]> {
  const [before] = await session.query("select current_setting('search_path') as path")
  const rows = await session.query(sqlOf('table/list'))
  // The query changes it to its end, and in a transaction that is not over yet.
  await session.query("select set_config('search_path', $1, true)", [before?.path])
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
    findings: known === undefined ? [unreadable(row)] : findings(row, known),
  }
}

function nameOf(table: { readonly schema: string; readonly table: string } | undefined): string {
  return table === undefined ? 'an unknown table' : `${table.schema}.${table.table}`
}

function findings(row: TableJobRow, { job, version, trigger }: Installed): TriggerFinding[] {
  const found: TriggerFinding[] = []
  const function_ = `aimq.${functionOf(row.name)}()`
  const wanted = `${job.schema}.${job.table}`
  const loss = job.onFailure === 'warn' ? 'loses its job' : 'fails'
  const relations = new Set(JSON.parse(row.queues) as string[])
  const say = (problem: TriggerFinding['problem'], message: string) => found.push({ problem, message })

  if (!relations.has(`q_${job.queue}`)) {
    say(
      'queue-missing',
      `queue "${job.queue}" is not there: every change of ${wanted} ${loss}; create the queue or remove the job`,
    )
  }
  if (version !== tableJobVersion) {
    say(
      'old-version',
      `version ${version} is installed, this is version ${tableJobVersion}; repair or install it again`,
    )
  }
  if (!row.installed) {
    say(
      'missing',
      `expected trigger ${triggerOf(row.name)} on ${wanted}, found none; repair, or remove the job`,
    )
    return found
  }
  const columns = new Set(JSON.parse(row.columns) as string[])
  for (const column of columnsOf(job).filter((name) => !columns.has(name))) {
    say(
      'unsupported',
      `${wanted} has no column "${column}" any more: every change ${loss}; install the job again without it, or remove it`,
    )
  }
  if (row.enabled === 'D')
    say(
      'disabled',
      `trigger ${triggerOf(row.name)} on ${wanted} is disabled: changes make no jobs; repair enables it`,
    )
  else if (row.enabled !== 'O')
    say(
      'drifted',
      `trigger ${triggerOf(row.name)} fires in another replication role than it was installed for; repair`,
    )
  if (wanted !== `${row.schema}.${row.table}`) {
    say(
      'drifted',
      `installed on ${wanted}, it stands on ${row.schema}.${row.table}; repair, and its payload names the new table`,
    )
  } else if (row.definition !== trigger) {
    say('drifted', `trigger ${triggerOf(row.name)} is not what was installed; repair`)
  }
  if (version === tableJobVersion && row.source !== functionBody(job)) {
    say('drifted', `the body of ${function_} is not what was installed; repair`)
  }
  if (!row.secured)
    say('drifted', `${function_} is no longer security definer with a fixed search_path; repair`)
  if (row.granted)
    say(
      'drifted',
      `somebody else than its owner may execute ${function_}, and so make jobs of rows of their own; repair`,
    )
  if (
    job.coalesceBy.length > 0 &&
    relations.has(`q_${job.queue}`) &&
    !relations.has(coalesceIndexOf(job.queue))
  ) {
    say(
      'drifted',
      `index pgmq.${coalesceIndexOf(job.queue)} is missing, without which no change can be coalesced; repair`,
    )
  }
  return found
}

function columnsOf({ payload, updateOf, coalesceBy }: ResolvedTableJob): string[] {
  return [...new Set([...(Array.isArray(payload) ? (payload as string[]) : []), ...updateOf, ...coalesceBy])]
}

function unreadable(row: TableJobRow): TriggerFinding {
  const message = `the comment on aimq.${functionOf(row.name)}() does not say what it was installed for; install it again, or remove it`
  return { problem: 'drifted', message }
}

function readComment(comment: string | null): Installed | undefined {
  try {
    const { aimq, version, job, trigger } = JSON.parse(comment ?? '') as Record<string, unknown>
    if (aimq !== 'table job' || typeof version !== 'number' || typeof trigger !== 'string') return undefined
    return { version, trigger, job: resolveTableJob(job) }
  } catch {
    return undefined
  }
}
