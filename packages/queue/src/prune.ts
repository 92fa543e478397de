import type { Call } from './database.ts'
import { duration, maxDelayMs, wholeNumber } from './inputs.ts'
import type { Operations } from './operations.ts'
import { statement } from './sql.ts'

/** Rows in one statement: short locks, and far from the deadline. */
const batchSize = 5000

export interface PruneOptions {
  /** Only what was archived longer ago than this, in milliseconds. */
  readonly olderThanMs: number
  /** At most this many. @default all */
  readonly limit?: number
}

/** Deletes old archived messages, oldest first. */
export async function pruneArchive(
  operations: Operations,
  queue: string,
  options: PruneOptions,
  signal: AbortSignal | undefined,
): Promise<number> {
  const age = duration(options?.olderThanMs, 'olderThanMs', { least: 0, most: maxDelayMs, queue })
  const limit =
    options.limit === undefined
      ? Number.POSITIVE_INFINITY
      : Number(wholeNumber(options.limit, 'limit', { least: 1, most: Number.MAX_SAFE_INTEGER, queue }))
  const call: Call = { operation: 'prune', queue, signal }
  const prune = statement('prune-archive', { tables: { archive: `a_${queue}` } })
  return inBatches(limit, (size) =>
    operations.shapes.retrying([queue], call, async () => {
      await operations.shapes.of(queue, call)
      const [row] = await operations.database.run(prune, { age, limit: String(size) }, call)
      return Number(row?.count ?? 0)
    }),
  )
}

/** Deletes idempotency keys whose window is over. */
export async function pruneIdempotencyKeys(
  operations: Operations,
  signal: AbortSignal | undefined,
): Promise<number> {
  const call: Call = { operation: 'prune', signal }
  return inBatches(Number.POSITIVE_INFINITY, async (size) => {
    const [row] = await operations.database.run(
      statement('prune-idempotency-keys'),
      { limit: String(size) },
      call,
    )
    return Number(row?.count ?? 0)
  })
}

async function inBatches(limit: number, batch: (size: number) => Promise<number>): Promise<number> {
  let total = 0
  while (total < limit) {
    const size = Math.min(batchSize, limit - total)
    const count = await batch(size)
    total += count
    if (count < size) break
  }
  return total
}
