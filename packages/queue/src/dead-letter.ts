import { assertQueueName, maxErrorTextLength, messageHeader, type Settlement } from '@aimq/events'
import type { Call } from './database.ts'
import { QueueError, queueErrorCodes } from './errors.ts'
import { fenceOf, refuseInput, show } from './inputs.ts'
import { checkedHeaders } from './message.ts'
import type { Operations } from './operations.ts'
import { statement } from './sql.ts'

export type DeadLetterSettlement = Extract<Settlement, { action: 'dead-letter' }>

/** A message that was moved, and its id over there. */
export interface DeadLettered {
  readonly queue: string
  readonly id: string
  readonly deadLetterQueue: string
  readonly deadLetterId: string
  readonly reason: string
}

export interface DeadLetterResult {
  readonly moved: readonly DeadLettered[]
  readonly lost: readonly string[]
  /** The first thing that went wrong; the other dead-letter queues were still tried. */
  readonly failure: unknown
}

/** Moves messages to their dead-letter queues; makes one that is missing. */
export async function deadLetter(
  operations: Operations,
  queue: string,
  settlements: readonly DeadLetterSettlement[],
  signal: AbortSignal | undefined,
): Promise<DeadLetterResult> {
  const groups = new Map<string, { settlement: DeadLetterSettlement; entry: object }[]>()
  for (const settlement of settlements) {
    const { deadLetterQueue } = settlement
    assertQueueName(deadLetterQueue)
    if (deadLetterQueue === queue) {
      throw refuseInput(queue, `expected the dead-letter queue to be another queue, got "${queue}" itself`)
    }
    const group = groups.get(deadLetterQueue) ?? []
    group.push({ settlement, entry: entryOf(settlement, group.length, queue) })
    groups.set(deadLetterQueue, group)
  }
  const moved: DeadLettered[] = []
  const lost: string[] = []
  let failure: unknown
  for (const [deadLetterQueue, group] of groups) {
    try {
      const ids = await moveGroup(
        operations,
        queue,
        deadLetterQueue,
        group.map(({ entry }) => entry),
        signal,
      )
      group.forEach(({ settlement }, n) => {
        const deadLetterId = ids.get(n)
        if (deadLetterId === undefined) lost.push(settlement.id)
        else
          moved.push({ queue, id: settlement.id, deadLetterQueue, deadLetterId, reason: settlement.reason })
      })
    } catch (thrown) {
      failure ??= thrown
    }
  }
  return { moved, lost, failure }
}

async function moveGroup(
  operations: Operations,
  queue: string,
  deadLetterQueue: string,
  entries: readonly object[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<number, string>> {
  const { database, shapes } = operations
  const tables = { queue: `q_${queue}`, dead_letter: `q_${deadLetterQueue}` }
  const call: Call = { operation: 'dead-letter', queue, tables, signal }
  return shapes.retrying([queue, deadLetterQueue], call, async () => {
    const from = await shapes.of(queue, call)
    const to =
      (await shapes.find(deadLetterQueue, call)) ?? (await make(operations, queue, deadLetterQueue, call))
    const flags = [...from.flags, ...(to.headers ? ['dead_letter_headers'] : [])]
    const rows = await database.run(
      statement('dead-letter', { tables, flags }),
      { settlements: JSON.stringify(entries), name: queue },
      call,
    )
    return new Map(rows.map((row) => [Number(row.n), String(row.id)]))
  })
}

async function make(operations: Operations, queue: string, deadLetterQueue: string, call: Call) {
  try {
    await operations.database.run(statement('create'), { queue: deadLetterQueue }, call)
  } catch (thrown) {
    if ((thrown as QueueError).code !== queueErrorCodes.permissionDenied) throw thrown
    throw new QueueError(
      queueErrorCodes.permissionDenied,
      `dead-letter "${queue}": the dead-letter queue "${deadLetterQueue}" is missing, and this role may not create it; run once, as the owner: select pgmq.create('${deadLetterQueue}'); grant insert, select (msg_id) on pgmq.q_${deadLetterQueue} to <role>;`,
      { cause: (thrown as QueueError).cause, queue },
    )
  }
  operations.logger.info({ queue, deadLetterQueue }, 'made the dead-letter queue, which was missing')
  return operations.shapes.of(deadLetterQueue, call)
}

function entryOf(settlement: DeadLetterSettlement, n: number, queue: string): object {
  const { reason } = settlement
  if (typeof reason !== 'string') {
    throw refuseInput(queue, `expected the reason of a dead letter as text, got ${show(reason)}`)
  }
  const headers = checkedHeaders(settlement.headers, queue)
  const error = headers?.[messageHeader.lastError]
  return {
    n,
    ...fenceOf(settlement, queue),
    reason: reason.slice(0, maxErrorTextLength).toWellFormed().replaceAll('\0', '\ufffd'),
    ...(isErrorSummary(error) ? { error: { code: error.code, message: error.message } } : {}),
    ...(headers === undefined ? {} : { headers }),
  }
}

function isErrorSummary(value: unknown): value is { code: string; message: string } {
  const { code, message } = (value ?? {}) as { code?: unknown; message?: unknown }
  return typeof code === 'string' && typeof message === 'string'
}
