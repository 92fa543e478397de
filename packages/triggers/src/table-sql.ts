import { escapeIdentifier, escapeLiteral } from 'pg'
import { blockParts } from './block.ts'
import { fill } from './sql-template.ts'
import type { ResolvedTableJob } from './table-options.ts'

/** Of what is installed. A later version replaces an earlier one. */
export const tableJobVersion = 1

/** A function takes a hundred arguments; a field is two. */
const fieldsPerCall = 40

/** The names in the database, each in schema `aimq` or on the user's table. */
export const functionOf = (name: string): string => `job_${name}`
export const triggerOf = (name: string): string => `aimq_job_${name}`
export const coalesceIndexOf = (queue: string): string => `aimq_coalesce_${queue}`

/** `"schema"."table"`, as SQL. */
export function relationOf({ schema, table }: Pick<ResolvedTableJob, 'schema' | 'table'>): string {
  return `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`
}

/** The SQL that makes `job`, or makes what stands into it. One block, so one transaction. */
export function installTableJob(job: ResolvedTableJob): string {
  const body = functionBody(job)
  const inner = dollarQuote('job', body)
  const text = (outer: string) =>
    fill('table/install', {
      identifiers: {
        function: functionOf(job.name),
        trigger: triggerOf(job.name),
        schema: job.schema,
        table: job.table,
      },
      literals: {
        function: functionOf(job.name),
        trigger: triggerOf(job.name),
        relation: relationOf(job),
        comment: commentOf(job),
        queue: job.queue,
        queue_table: `q_${job.queue}`,
      },
      fragments: {
        ...blockParts(),
        outer,
        inner,
        body,
        table_type: relationOf(job),
        check: [payloadOf(job), ...job.coalesceBy.map(keyColumn)].join(', '),
        summary: oneLine(`table job ${job.name}: ${job.schema}.${job.table} into queue ${job.queue}`),
        index: job.coalesceBy.length === 0 ? '' : coalesceIndex(job.queue),
        indexes: fill('table/unused-indexes', {}),
        events: `after ${job.operations.map((operation) => eventOf(job, operation)).join(' or ')}`,
        // On lines of its own: it may end in a comment.
        when: job.when === undefined ? '' : ` when (\n${job.when}\n)`,
      },
    })
  return text(dollarQuote('aimq', text('$$')))
}

/** The SQL that removes it, whatever table it stands on. */
export function removeTableJob(name: string): string {
  return fill('table/remove', {
    identifiers: { function: functionOf(name) },
    literals: { function: functionOf(name) },
    fragments: { ...blockParts(), name, indexes: fill('table/unused-indexes', {}) },
  })
}

/** What the function of this job has for a body, to the letter. */
export function functionBody(job: ResolvedTableJob): string {
  const fragments = {
    name: job.name,
    delay: job.delayMs === 0 ? '' : ` + interval '${job.delayMs} milliseconds'`,
    payload: payloadOf(job),
    failure: job.onFailure === 'warn' ? fill('table/warn', { literals: { name: job.name } }).trimEnd() : '',
  }
  const identifiers = { queue_table: `q_${job.queue}` }
  if (job.coalesceBy.length === 0) return fill('table/body', { identifiers, fragments })
  return fill('table/body-coalescing', {
    identifiers,
    literals: { prefix: `${job.name} `, slots: `aimq.job_${job.name}_` },
    fragments: { ...fragments, key: job.coalesceBy.map(keyColumn).join(', ') },
  })
}

/** What the comment on the function says of the job; the block adds what it made of the trigger. */
export function commentOf(job: ResolvedTableJob): string {
  return JSON.stringify({ aimq: 'table job', version: tableJobVersion, job })
}

function coalesceIndex(queue: string): string {
  return fill('table/coalesce-index', {
    identifiers: { index: coalesceIndexOf(queue), queue_table: `q_${queue}` },
    literals: { index: coalesceIndexOf(queue), relation: `pgmq.q_${queue}`, queue },
  })
}

function eventOf({ updateOf }: ResolvedTableJob, operation: string): string {
  if (operation !== 'update' || updateOf.length === 0) return operation
  return `update of ${updateOf.map(escapeIdentifier).join(', ')}`
}

function payloadOf(job: ResolvedTableJob): string {
  if (Array.isArray(job.payload)) return rowPayload(job)
  return objectOf(Object.entries(job.payload).map(([key, sql]) => [key, trusted(sql)]))
}

function rowPayload({ schema, table, operations, payload }: ResolvedTableJob): string {
  const row = (record: 'new' | 'old', never: 'insert' | 'delete'): string => {
    const fields = (payload as readonly string[]).map((column): [string, string] => [
      column,
      `${record}.${escapeIdentifier(column)}`,
    ])
    if (operations.every((operation) => operation === never)) return 'null::jsonb'
    const object = objectOf(fields)
    return operations.includes(never)
      ? `case when tg_op <> '${never.toUpperCase()}' then ${object} end`
      : object
  }
  return objectOf([
    ['op', 'lower(tg_op)'],
    ['table', escapeLiteral(`${schema}.${table}`)],
    ['new', row('new', 'delete')],
    ['old', row('old', 'insert')],
  ])
}

function objectOf(fields: readonly (readonly [string, string])[]): string {
  const calls: string[] = []
  for (let start = 0; start < fields.length; start += fieldsPerCall) {
    const some = fields.slice(start, start + fieldsPerCall)
    const pairs = some.map(([key, value]) => `\n    ${escapeLiteral(key)}, ${value}`)
    calls.push(`jsonb_build_object(${pairs.join(',')}\n  )`)
  }
  return calls.join(' || ')
}

/** Trusted SQL, on lines of its own where it could end in a comment. */
function trusted(sql: string): string {
  return sql.includes('--') ? `(\n${sql}\n)` : `(${sql})`
}

function keyColumn(column: string): string {
  const name = escapeIdentifier(column)
  return `case tg_op when 'DELETE' then old.${name} else new.${name} end`
}

/** A dollar quote that is not in `text`. */
function dollarQuote(tag: string, text: string): string {
  for (let attempt = 0; ; attempt++) {
    const quote = `$${tag}${attempt === 0 ? '' : `_${attempt}`}$`
    if (!text.includes(quote)) return quote
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\u2028\u2029\v\f\u0085]+/g, ' ')
}
