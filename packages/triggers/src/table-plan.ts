import type { TriggerChange, TriggerProblem } from '@aimq/events'
import type { ResolvedTableJob } from './table-options.ts'
import { installTableJob, relationOf, removeTableJob, tableJobVersion, triggerOf } from './table-sql.ts'
import type { TableJobState } from './table-state.ts'

/** What has to be done so that every job of `wanted` stands as it is given. */
export function planTableJobs(
  wanted: readonly ResolvedTableJob[],
  standing: readonly TableJobState[],
): TriggerChange[] {
  return wanted.flatMap((job) =>
    changeFor(
      job,
      standing.find(({ name }) => name === job.name),
    ),
  )
}

/** What has to be done so that no job of `names` stands. */
export function planTableRemoval(
  names: readonly string[] | undefined,
  standing: readonly TableJobState[],
): TriggerChange[] {
  return standing
    .filter(({ name }) => names?.includes(name) ?? true)
    .map(({ name, table }) => ({
      action: 'remove',
      object: `trigger ${triggerOf(name)} on ${table}`,
      reason: 'its removal was asked for',
      sql: removeTableJob(name),
    }))
}

/** What would mend the findings, with the settings each was installed with; a renamed table is followed. */
export function planTableRepair(standing: readonly TableJobState[]): TriggerChange[] {
  return standing.flatMap((state) => {
    if (state.job === undefined || state.findings.some(({ problem }) => needsPerson(problem))) return []
    return changeFor({ ...state.job, ...state.standsOn }, state)
  })
}

/** A queue or a column that is gone: nothing that is installed would make it work. */
function needsPerson(problem: TriggerProblem): boolean {
  return problem === 'queue-missing' || problem === 'unsupported'
}

function changeFor(job: ResolvedTableJob, state: TableJobState | undefined): TriggerChange[] {
  const object = `trigger ${triggerOf(job.name)} on ${job.schema}.${job.table}`
  const create = (action: 'create' | 'replace', reason: string): TriggerChange[] => [
    { action, object, reason, sql: installTableJob(job) },
  ]
  if (state === undefined) return create('create', 'it is not installed')
  if ((state.version ?? 0) > tableJobVersion) return []
  const findings = state.findings.filter(({ problem }) => !needsPerson(problem))
  if (state.job !== undefined) {
    const differing = differences(job, state.job)
    if (differing.length > 0) return create('replace', `other ${differing.join(', ')}`)
  }
  const [first] = findings
  if (first === undefined) return []
  if (findings.length === 1 && first.problem === 'disabled') {
    const sql = `alter table ${relationOf(job)} enable trigger ${triggerOf(job.name)};\n`
    return [{ action: 'enable', object, reason: first.message, sql }]
  }
  return create(state.installed ? 'replace' : 'create', findings.map(({ message }) => message).join('; '))
}

function differences(one: ResolvedTableJob, other: ResolvedTableJob): string[] {
  return [...new Set(Object.keys({ ...one, ...other }) as (keyof ResolvedTableJob)[])].filter(
    (key) => JSON.stringify(one[key]) !== JSON.stringify(other[key]),
  )
}
