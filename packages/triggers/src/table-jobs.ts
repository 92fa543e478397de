import type { Clock, RequestInput, RequestOutput, TriggerChange } from '@aimq/events'
import { parseOptions } from '@aimq/events'
import * as v from 'valibot'
import type { Database } from './database.ts'
import { TriggersError, triggersErrorCodes } from './errors.ts'
import { timestamp } from './migration.ts'
import { refuse } from './options.ts'
import { sqlStateOf } from './postgres-error.ts'
import type { TableJobs } from './table-job.ts'
import { type ResolvedTableJob, resolveTableJob, tableJobName } from './table-options.ts'
import { planTableJobs, planTableRemoval, planTableRepair } from './table-plan.ts'
import { installTableJob, removeTableJob } from './table-sql.ts'
import { readTableJobs, type TableJobState } from './table-state.ts'

interface Call {
  readonly signal?: AbortSignal
}

/** Makes changes of tables into jobs, and looks after what does. */
export interface TableJobsClient {
  /**
   * Makes table changes into jobs; does nothing for one that stands as given. All or nothing.
   *
   * @throws `triggers/table-job-refused`, `triggers/queue-missing`, `triggers/busy`
   */
  installTableJobs(
    input: { readonly jobs: TableJobs },
    call?: Call,
  ): Promise<RequestOutput<'triggers:install-table'>>
  /** What {@link installTableJobs} would do. Changes nothing. */
  planTableJobs(
    input: { readonly jobs: TableJobs },
    call?: Call,
  ): Promise<RequestOutput<'triggers:plan-table'>>
  /** Takes them away, those that are named or all. Jobs that wait stay. */
  removeTableJobs(
    input?: RequestInput<'triggers:remove-table'>,
    call?: Call,
  ): Promise<RequestOutput<'triggers:remove-table'>>
  /** What there is and what is wrong with it. One that is named and not there is listed as missing. */
  listTableJobs(
    input?: { readonly names?: readonly string[] },
    call?: Call,
  ): Promise<{ readonly triggers: readonly TableJobState[] }>
  /** Mends what {@link listTableJobs} finds wrong, with what each job was installed for. */
  repairTableJobs(
    input?: { readonly names?: readonly string[] },
    call?: Call,
  ): Promise<{ readonly changes: readonly TriggerChange[] }>
  /** The same as {@link installTableJobs} or {@link removeTableJobs} as a SQL file. Needs no database. */
  tableMigration(
    input: Omit<RequestInput<'triggers:table-migration'>, 'jobs'> & { readonly jobs: TableJobs },
  ): Promise<RequestOutput<'triggers:table-migration'>>
}

/** Told of what was done. */
export interface TableJobsObserver {
  tableJobInstalled?(job: { readonly name: string; readonly table: string; readonly queue: string }): void
  tableJobRemoved?(name: string): void
}

const names = v.array(tableJobName)
const jobs = v.pipe(v.array(v.unknown()), v.nonEmpty('expected one table job or more'))
const installSchema = v.strictObject({ jobs })
const namesSchema = v.strictObject({ names: v.optional(names) })
const migrationSchema = v.strictObject({
  jobs,
  remove: v.optional(v.boolean(), false),
  naming: v.optional(v.picklist(['supabase', 'plain'], 'expected "supabase" or "plain"'), 'supabase'),
})

export function tableJobsOn(database: Database, clock: Clock, observer: TableJobsObserver): TableJobsClient {
  /** Plans and applies in one transaction, so that what is done is what was planned. */
  async function change(
    plan: (standing: readonly TableJobState[]) => TriggerChange[],
    { signal }: Call,
  ): Promise<readonly TriggerChange[]> {
    let changes: readonly TriggerChange[] = []
    return database
      .change(
        () => changes.flatMap(({ object }) => object.split(' on ')[1] ?? []),
        async (session) => {
          changes = plan(await readTableJobs(session))
          // Conditions are read under the search path of whoever wrote them, as in a migration.
          await session.query("select set_config('search_path', $1, true)", [session.usualPath])
          for (const { sql } of changes) await session.query(sql)
          return changes
        },
        signal,
      )
      .catch((thrown) => {
        throw refusal(thrown)
      })
  }

  return {
    async installTableJobs(input, call = {}) {
      const wanted = resolveAll(parseOptions('installTableJobs', installSchema, input, refuse).jobs)
      const changes = await change((standing) => planTableJobs(wanted, standing), call)
      for (const { name, schema, table, queue } of touched(wanted, changes)) {
        observer.tableJobInstalled?.({ name, table: `${schema}.${table}`, queue })
      }
      return { changes }
    },
    async planTableJobs(input, { signal } = {}) {
      const wanted = resolveAll(parseOptions('planTableJobs', installSchema, input, refuse).jobs)
      return { changes: planTableJobs(wanted, await database.look(readTableJobs, signal)) }
    },
    async removeTableJobs(input = {}, call = {}) {
      const given = parseOptions('removeTableJobs', namesSchema, input, refuse)
      let gone: readonly string[] = []
      const changes = await change((standing) => {
        gone = standing.map(({ name }) => name).filter((name) => given.names?.includes(name) ?? true)
        return planTableRemoval(gone, standing)
      }, call)
      for (const name of gone) observer.tableJobRemoved?.(name)
      return { changes }
    },
    async tableMigration(input) {
      const wish = parseOptions('tableMigration', migrationSchema, input, refuse)
      const wanted = resolveAll(wish.jobs)
      const what = wanted.length === 1 ? `job_${wanted[0]?.name}` : `${wanted.length}_table_jobs`
      const name = `aimq_${wish.remove ? 'remove_' : ''}${what}.sql`
      return {
        fileName: wish.naming === 'plain' ? name : `${timestamp(clock)}_${name}`,
        sql: wanted.map((job) => (wish.remove ? removeTableJob(job.name) : installTableJob(job))).join('\n'),
      }
    },
    async listTableJobs(input = {}, { signal } = {}) {
      const given = parseOptions('listTableJobs', namesSchema, input, refuse)
      const found = await database.look(readTableJobs, signal)
      if (given.names === undefined) return { triggers: found }
      return {
        triggers: given.names.map((name) => found.find((state) => state.name === name) ?? missing(name)),
      }
    },
    async repairTableJobs(input = {}, call = {}) {
      const given = parseOptions('repairTableJobs', namesSchema, input, refuse)
      let standing: readonly TableJobState[] = []
      const changes = await change((found) => {
        standing = found.filter(({ name }) => given.names?.includes(name) ?? true)
        return planTableRepair(standing)
      }, call)
      const jobs = standing.flatMap(({ job, standsOn }) => (job === undefined ? [] : { ...job, ...standsOn }))
      for (const { name, schema, table, queue } of touched(jobs, changes)) {
        observer.tableJobInstalled?.({ name, table: `${schema}.${table}`, queue })
      }
      return { changes }
    },
  }
}

function missing(name: string): TableJobState {
  const message = `expected table job "${name}", and there is none; install it`
  return {
    name,
    kind: 'table',
    table: 'an unknown table',
    installed: false,
    findings: [{ problem: 'missing', message }],
  }
}

function resolveAll(jobs: readonly unknown[]): ResolvedTableJob[] {
  const resolved = jobs.map(resolveTableJob)
  const twice = resolved.find(({ name }, n) => resolved.findIndex((other) => other.name === name) !== n)
  if (twice !== undefined) throw refuse(`expected each table job once, got two named "${twice.name}"`)
  return resolved
}

function touched(
  jobs: readonly ResolvedTableJob[],
  changes: readonly TriggerChange[],
): readonly ResolvedTableJob[] {
  return jobs.filter(({ name }) =>
    changes.some(({ object }) => object.startsWith(`trigger aimq_job_${name} on `)),
  )
}

/** What the database says of a job that it cannot have. */
function refusal(thrown: unknown): unknown {
  if (!(thrown instanceof TriggersError) || thrown.code !== triggersErrorCodes.databaseFailed) return thrown
  const state = sqlStateOf(thrown) ?? ''
  const message = (thrown.cause as Error).message
  if (!/^(42|0A|22)/.test(state)) return thrown
  const code = message.startsWith('aimq: expected the queue')
    ? triggersErrorCodes.queueMissing
    : message.startsWith('aimq: queue')
      ? triggersErrorCodes.unsupportedQueue
      : triggersErrorCodes.tableJobRefused
  const text = message.startsWith('aimq: ')
    ? message.slice(6)
    : `expected a job that this database can have; it says "${message}" (SQLSTATE ${state}); names of tables and columns are taken as they are, upper and lower case included`
  return new TriggersError(code, text, { cause: thrown.cause })
}
