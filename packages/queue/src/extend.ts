import type { Lease } from '@aimq/events'
import type { Call } from './database.ts'
import { duration, fenceOf, maxLeaseMs } from './inputs.ts'
import type { Operations } from './operations.ts'
import { statement } from './sql.ts'

/** Renews leases in one statement; answers with the ids of those that are no longer ours. */
export async function extendLeases(
  operations: Operations,
  queue: string,
  leases: readonly Lease[],
  leaseMs: number,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const lease = duration(leaseMs, 'leaseMs', { least: 1, most: maxLeaseMs, queue })
  const entries = leases.map((held, n) => ({ n, ...fenceOf(held, queue) }))
  if (entries.length === 0) return []
  const call: Call = { operation: 'extend', queue, signal }
  return operations.shapes.retrying([queue], call, async () => {
    await operations.shapes.of(queue, call)
    const rows = await operations.database.run(
      statement('extend', { tables: { queue: `q_${queue}` } }),
      { leases: JSON.stringify(entries), lease },
      call,
    )
    const kept = new Set(rows.map((row) => Number(row.n)))
    return leases.filter((_, n) => !kept.has(n)).map((held) => held.id)
  })
}
