import {
  parseOptions,
  queueNameOf,
  queueNamePattern,
  type TableJobInput,
  type TableOperation,
} from '@aimq/events'
import * as v from 'valibot'
import { refuse } from './options.ts'

/** Every field there, in one order: two jobs are the same when their JSON is. */
export interface ResolvedTableJob {
  readonly name: string
  readonly schema: string
  readonly table: string
  readonly queue: string
  readonly operations: readonly TableOperation[]
  readonly updateOf: readonly string[]
  readonly when?: string
  readonly payload: readonly string[] | Readonly<Record<string, string>>
  readonly delayMs: number
  readonly coalesceBy: readonly string[]
  readonly onFailure: 'abort' | 'warn'
}

const operations = ['insert', 'update', 'delete'] as const satisfies readonly TableOperation[]

// PostgreSQL has no character NUL, and no lone surrogates.
const isText = (value: string): boolean => value.isWellFormed() && !value.includes('\0')

// A longer name it would cut, and find another object.
const identifier = v.pipe(
  v.string(),
  v.nonEmpty('expected a name'),
  v.maxBytes(63, 'expected a name of at most 63 bytes'),
  v.check(isText, 'expected a name that PostgreSQL can have'),
)
const columns = v.pipe(
  v.array(identifier),
  v.check((value) => new Set(value).size === value.length, 'expected each column once'),
)
const expression = v.pipe(
  v.string(),
  v.check((value) => value.trim() !== '', 'expected an SQL expression'),
  v.check(isText, 'expected SQL that PostgreSQL can read'),
)

// Not v.record, which leaves out fields that have the name of what every object has.
const fields = v.custom<Readonly<Record<string, string>>>((value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const entries = Object.entries(value)
  return entries.length > 0 && entries.every(([key, sql]) => isText(key) && v.is(expression, sql))
})
const payloadMessage = 'expected the columns to send, each once, or an SQL expression for each field'

export const tableJobName = v.pipe(
  v.string(),
  v.regex(queueNamePattern, 'expected a lower-case letter, then lower-case letters, digits or _, at most 47'),
)

const schema = v.pipe(
  v.strictObject({
    name: tableJobName,
    schema: v.optional(identifier, 'public'),
    table: identifier,
    queue: v.unknown(),
    operations: v.optional(
      v.pipe(
        v.array(v.picklist(operations, `expected some of ${operations.join(', ')}`)),
        v.nonEmpty('expected one operation or more'),
      ),
      [...operations],
    ),
    updateOf: v.optional(columns, []),
    when: v.optional(expression),
    payload: v.union([v.pipe(columns, v.nonEmpty()), fields], payloadMessage),
    delayMs: v.optional(
      v.pipe(
        v.number(),
        v.check(
          (value) => Number.isInteger(value) && value >= 0 && value <= 31_536_000_000,
          'expected whole milliseconds from 0 to 31536000000 (a year)',
        ),
      ),
      0,
    ),
    coalesceBy: v.optional(columns, []),
    onFailure: v.optional(v.picklist(['abort', 'warn'], 'expected abort or warn'), 'abort'),
  }),
  v.check(
    ({ updateOf, operations }) => updateOf.length === 0 || operations.includes('update'),
    'expected updateOf only where operations has update',
  ),
)

export function resolveTableJob(job: unknown): ResolvedTableJob {
  const parsed = parseOptions('table job', schema, job, refuse)
  const { name, table, payload, delayMs, onFailure } = parsed
  return {
    name,
    schema: parsed.schema,
    table,
    queue: queueNameOf(parsed.queue as TableJobInput['queue']),
    operations: operations.filter((operation) => parsed.operations.includes(operation)),
    updateOf: parsed.updateOf,
    ...(parsed.when === undefined ? {} : { when: parsed.when }),
    payload,
    delayMs,
    coalesceBy: parsed.coalesceBy,
    onFailure,
  }
}
