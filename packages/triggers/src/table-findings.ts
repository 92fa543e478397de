import type { TriggerFinding } from '@aimq/events'
import type { ResolvedTableJob } from './table-options.ts'
import { coalesceIndexOf, functionBody, functionOf, tableJobVersion, triggerOf } from './table-sql.ts'
import type { TableJobRow } from './table-state.ts'

/** What the comment on the function says was installed. */
export interface InstalledTableJob {
  readonly version: number
  readonly job: ResolvedTableJob
  /** A digest of the trigger's definition. */
  readonly trigger: string
}

/** What is wrong with a table job, compared with what was installed and with what we would install for the same job. */
export function findingsOf(row: TableJobRow, installed: InstalledTableJob): TriggerFinding[] {
  const { version } = installed
  if (version > tableJobVersion) {
    const message = `version ${version} is installed, newer than our ${tableJobVersion}; it is left alone: upgrade @aimq/triggers`
    return [{ problem: 'old-version', message }]
  }
  return [
    ...ofQueue(row, installed),
    ...(version === tableJobVersion
      ? ofFunction(row, installed)
      : finding('old-version', `version ${version} is installed, expected ${tableJobVersion}; repair`)),
    ...ofTrigger(row, installed),
  ]
}

function ofQueue(row: TableJobRow, { job }: InstalledTableJob): TriggerFinding[] {
  const relations = new Set(JSON.parse(row.queues) as string[])
  const { queue, coalesceBy } = job
  if (!relations.has(`q_${queue}`)) {
    const remedy = 'create the queue, or remove the job'
    return finding('queue-missing', `queue "${queue}" is not there: every change ${loss(job)}; ${remedy}`)
  }
  if (coalesceBy.length === 0 || relations.has(coalesceIndexOf(queue))) return []
  return finding(
    'drifted',
    `index pgmq.${coalesceIndexOf(queue)} is not there: every change ${loss(job)}; repair`,
  )
}

function ofFunction(row: TableJobRow, { job }: InstalledTableJob): TriggerFinding[] {
  const what = `function aimq.${functionOf(row.name)}()`
  return [
    ...(row.source === functionBody(job) ? [] : finding('drifted', `${what} has another body; repair`)),
    ...(row.secured
      ? []
      : finding('drifted', `${what} is not security definer with a fixed search_path; repair`)),
    ...(row.granted
      ? finding(
          'drifted',
          `${what} may be executed by others than its owner, who could make jobs of rows of their own; repair`,
        )
      : []),
  ]
}

function ofTrigger(row: TableJobRow, { job, trigger }: InstalledTableJob): TriggerFinding[] {
  const wanted = `${job.schema}.${job.table}`
  const what = `trigger ${triggerOf(row.name)} on ${wanted}`
  if (!row.installed) return finding('missing', `${what} is not there; repair, or remove the job`)
  const columns = new Set(JSON.parse(row.columns) as string[])
  const gone = columnsOf(job).filter((column) => !columns.has(column))
  const moved = wanted !== `${row.schema}.${row.table}`
  return [
    ...gone.flatMap((column) =>
      finding(
        'unsupported',
        `${wanted} has no column "${column}" any more: a change ${loss(job)}; install the job again without it, or remove it`,
      ),
    ),
    ...(row.enabled === 'D' ? finding('disabled', `${what} is disabled: changes make no jobs; repair`) : []),
    // Not firing there is right, or a restore would make jobs. Whether it should all the same its owner decides.
    ...(row.enabled === 'R' || (row.enabled === 'A' && !row.replicas)
      ? finding('drifted', `${what} fires in another replication role than it was installed for; repair`)
      : []),
    ...(moved
      ? finding(
          'drifted',
          `${what} stands on ${row.schema}.${row.table}; repair, and its payload names that table`,
        )
      : row.definition === trigger
        ? []
        : finding('drifted', `${what} is not what was installed; repair`)),
  ]
}

function finding(problem: TriggerFinding['problem'], message: string): TriggerFinding[] {
  return [{ problem, message }]
}

function loss({ onFailure }: ResolvedTableJob): string {
  return onFailure === 'warn' ? 'loses its job' : 'fails'
}

function columnsOf({ payload, updateOf, coalesceBy }: ResolvedTableJob): string[] {
  return [...new Set([...(Array.isArray(payload) ? (payload as string[]) : []), ...updateOf, ...coalesceBy])]
}
