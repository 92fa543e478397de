import leven from 'leven'
import * as v from 'valibot'
import { redact } from './redact.ts'

type Entries = Record<string, unknown>

/**
 * Options as `schema` (a valibot `strictObject`) resolves them, defaults filled in. All faults are reported together,
 * an unknown key with the nearest known one, through the error that `fail` makes of the text.
 */
export function parseOptions<const Schema extends v.GenericSchema>(
  owner: string,
  schema: Schema,
  input: unknown,
  fail: (message: string) => Error,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input)
  if (result.success) return result.output
  const faults = result.issues.map((issue) => `  - ${describe(schema, issue)}`)
  throw fail(
    redact(
      `${owner}: ${faults.length === 1 ? 'one option is' : `${faults.length} options are`} not usable\n${faults.join('\n')}`,
    ),
  )
}

function describe(schema: v.GenericSchema, issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? 'options'
  if (issue.type !== 'strict_object' || issue.expected !== 'never') return `${path}: ${sentence(issue)}`
  const keys = issue.path?.map((item) => item.key) ?? []
  return `${path}: unknown option${didYouMean(String(keys.at(-1)), Object.keys(entriesAt(schema, keys.slice(0, -1))))}`
}

function sentence(issue: v.BaseIssue<unknown>): string {
  // valibot's own sentences begin like this; anything else was written for the person who reads it.
  if (issue.kind !== 'schema' || !issue.message.startsWith('Invalid ')) return issue.message
  return issue.expected === null ? issue.message : `expected ${issue.expected}, got ${issue.received}`
}

/** `; did you mean "x"?`, or the list of what there is when nothing is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = known
    .map((candidate) => ({ candidate, distance: leven(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0]
  if (near === undefined) return ''
  const close = near.distance <= Math.max(1, Math.floor(Math.max(word.length, near.candidate.length) / 3))
  return close ? `; did you mean "${near.candidate}"?` : `; known: ${known.join(', ')}`
}

function entriesAt(schema: unknown, path: readonly unknown[]): Entries {
  const unwrapped = unwrap(schema)
  const [key, ...rest] = path
  if (key === undefined) return unwrapped.entries ?? {}
  return entriesAt(unwrapped.entries?.[String(key)] ?? unwrapped.value, rest)
}

/** Looks through `optional`, `pipe` and the like for the object schema inside. */
function unwrap(schema: unknown): { entries?: Entries; value?: unknown } {
  const inner = schema as {
    wrapped?: unknown
    getter?: (input: unknown) => unknown
    entries?: Entries
    value?: unknown
    options?: unknown[]
  }
  if (inner?.getter !== undefined) return unwrap(inner.getter(undefined))
  if (inner?.wrapped !== undefined) return unwrap(inner.wrapped)
  const option = inner?.options?.find(
    (candidate) => typeof candidate === 'object' && unwrap(candidate).entries !== undefined,
  )
  return option === undefined ? (inner ?? {}) : unwrap(option)
}
