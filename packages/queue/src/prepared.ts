import { createHash } from 'node:crypto'
import type { Statement } from './sql.ts'

/** A statement is prepared from this use on: what runs once or twice is not worth it. */
const frequentFrom = 3
/** A plan costs the server some hundred kilobytes for each connection; a worker of a thousand queues prepares the busiest. */
const mostPrepared = 100

/** What a driver needs to prepare a statement, and to run it again. */
export interface Prepared {
  readonly name: string
  readonly text: string
}

interface Use {
  count: number
  prepared: Prepared | undefined
}

const uses = new WeakMap<Statement, Use>()
let howMany = 0

/** As what to prepare it. */
export function preparedOf(statement: Statement): Prepared {
  const use = useOf(statement)
  use.prepared ??= withName(statement.text)
  return use.prepared
}

/** The same, once it is used often; undefined while it is not. */
export function frequentPreparedOf(statement: Statement): Prepared | undefined {
  const use = useOf(statement)
  use.count++
  if (use.prepared !== undefined) return use.prepared
  if (use.count < frequentFrom || howMany >= mostPrepared) return undefined
  howMany++
  return preparedOf(statement)
}

function withName(text: string): Prepared {
  return { name: `aimq_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`, text }
}

function useOf(statement: Statement): Use {
  const known = uses.get(statement)
  if (known !== undefined) return known
  const use: Use = { count: 0, prepared: undefined }
  uses.set(statement, use)
  return use
}
