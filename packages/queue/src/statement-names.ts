import { createHash } from 'node:crypto'
import type { Statement } from './sql.ts'

/** A statement is prepared from this use on: what runs once or twice is not worth it. */
const frequentFrom = 3
/** A plan costs the server some hundred kilobytes for each connection; a worker of a thousand queues prepares the busiest. */
const mostPrepared = 100

interface Use {
  count: number
  name: string | undefined
}

const uses = new WeakMap<Statement, Use>()
let prepared = 0

/** The name to prepare it under. */
export function nameOf(statement: Statement): string {
  const use = useOf(statement)
  use.name ??= `aimq_${createHash('sha256').update(statement.text).digest('hex').slice(0, 24)}`
  return use.name
}

/** The same, once it is used often; undefined while it is not. */
export function frequentNameOf(statement: Statement): string | undefined {
  const use = useOf(statement)
  use.count++
  if (use.name !== undefined) return use.name
  if (use.count < frequentFrom || prepared >= mostPrepared) return undefined
  prepared++
  return nameOf(statement)
}

function useOf(statement: Statement): Use {
  const known = uses.get(statement)
  if (known !== undefined) return known
  const use: Use = { count: 0, name: undefined }
  uses.set(statement, use)
  return use
}
