import { assertQueueName, queueNamePattern, type RedriveInput } from '@aimq/events'
import type { Call } from './database.ts'
import { compareIds, messageId, refuseInput, wholeNumber } from './inputs.ts'
import type { Operations } from './operations.ts'
import { statement } from './sql.ts'

/** Moved by one statement at most, so that a very full dead-letter queue does not run into the deadline. */
const batchSize = 1000

export interface Redriven {
  readonly count: number
  /** Which queues got how many. */
  readonly targets: readonly { readonly queue: string; readonly count: number }[]
}

/** Sends dead letters back, each batch in one atomic statement: to where they came from, or all to `to`. */
export async function redriveMessages(
  operations: Operations,
  input: RedriveInput,
  signal: AbortSignal | undefined,
): Promise<Redriven> {
  const { queue, to } = input
  if (to !== undefined) assertQueueName(to)
  if (to === queue)
    throw refuseInput(queue, 'expected "to" to be another queue, got the dead-letter queue itself')
  const ids = input.ids?.map((id) => messageId(id, queue))
  let left =
    input.limit === undefined
      ? Number.POSITIVE_INFINITY
      : Number(wholeNumber(input.limit, 'limit', { least: 1, most: Number.MAX_SAFE_INTEGER, queue }))

  const targets: { queue: string; count: number }[] = []
  for (const source of await findSources(operations, queue, to, ids, signal)) {
    const count = await drainSource(operations, queue, source, ids, left, signal)
    left -= count
    if (count > 0) targets.push({ queue: source.target, count })
    if (left <= 0) break
  }
  return { count: targets.reduce((sum, { count }) => sum + count, 0), targets }
}

interface Source {
  readonly target: string
  /** Only messages that came from this queue; undefined: all. */
  readonly origin: string | undefined
  /** The newest message there is: what is dead-lettered meanwhile stays, or this would chase its own failures. */
  readonly newest: string
}

async function findSources(
  operations: Operations,
  queue: string,
  to: string | undefined,
  ids: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): Promise<Source[]> {
  const tables = to === undefined ? {} : { target: `q_${to}` }
  const call: Call = { operation: 'redrive', queue, tables, signal }
  const rows = await operations.shapes.retrying([queue], call, async () => {
    const { flags } = await operations.shapes.of(queue, call)
    return operations.database.run(
      statement('redrive-origins', {
        tables: { queue: `q_${queue}` },
        flags: [...flags, ...(ids === undefined ? [] : ['ids'])],
      }),
      { ids: JSON.stringify(ids ?? []) },
      call,
    )
  })
  const found = rows.map((row) => ({
    origin: row.origin as string | null,
    count: Number(row.count),
    newest: String(row.newest),
  }))
  if (to !== undefined) {
    const newest = found
      .map((source) => source.newest)
      .sort(compareIds)
      .at(-1)
    return newest === undefined ? [] : [{ target: to, origin: undefined, newest }]
  }
  // A header is data that anybody may have written: one that names no queue must not keep the other letters here.
  const known = found.filter(({ origin }) => origin !== queue && queueNamePattern.test(origin ?? ''))
  const strays =
    found.reduce((sum, { count }) => sum + count, 0) - known.reduce((sum, { count }) => sum + count, 0)
  if (strays > 0 && known.length === 0) {
    throw refuseInput(
      queue,
      `expected dead letters that say which other queue they came from, got ${strays} that do not; say where to send them with "to"`,
    )
  }
  if (strays > 0) {
    operations.logger.warn(
      { queue, count: strays },
      'some messages do not say which queue they came from and stay; send them on with "to"',
    )
  }
  return known.map(({ origin, newest }) => ({ target: String(origin), origin: String(origin), newest }))
}

async function drainSource(
  operations: Operations,
  queue: string,
  source: Source,
  ids: readonly string[] | undefined,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { shapes, database } = operations
  const tables = { queue: `q_${queue}`, target: `q_${source.target}` }
  const call: Call = { operation: 'redrive', queue, tables, signal }
  let moved = 0
  while (moved < limit) {
    const wanted = Math.min(batchSize, limit - moved)
    const count = await shapes.retrying([queue, source.target], call, async () => {
      const from = await shapes.of(queue, call)
      const to = await shapes.of(source.target, call)
      const [row] = await database.run(
        statement('redrive', {
          tables,
          flags: [
            ...from.flags,
            ...(to.headers ? ['target_headers'] : []),
            ...(ids === undefined ? [] : ['ids']),
            ...(source.origin === undefined ? [] : ['origin']),
          ],
        }),
        {
          newest: source.newest,
          ids: JSON.stringify(ids ?? []),
          origin: source.origin ?? '',
          limit: String(wanted),
        },
        call,
      )
      return Number(row?.count ?? 0)
    })
    moved += count
    if (count < wanted) break
  }
  return moved
}
