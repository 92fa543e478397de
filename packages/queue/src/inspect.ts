import type { PeekedMessage, PeekInput, ProbeResult, QueueInfo, QueueMetrics } from '@aimq/events'
import type { Call } from './database.ts'
import { QueueError, queueErrorCodes } from './errors.ts'
import { messageId, wholeNumber } from './inputs.ts'
import { peekedMessage } from './message.ts'
import type { Operations } from './operations.ts'
import { pgmqRemedy } from './postgres-error.ts'
import { statement } from './sql.ts'

const defaultPeekLimit = 20
const maxPeekLimit = 10_000

export async function listQueues(
  operations: Operations,
  signal: AbortSignal | undefined,
): Promise<QueueInfo[]> {
  const { database } = operations
  try {
    const rows = await database.run(statement('list'), {}, { operation: 'list', signal })
    return rows.map((row) => ({
      queue: String(row.queue),
      partitioned: row.partitioned === true,
      unlogged: row.unlogged === true,
      createdAt: Number(row.created),
    }))
  } catch (thrown) {
    if ((thrown as QueueError).code !== queueErrorCodes.notFound) throw thrown
    // The only table of this statement that can be missing is pgmq's own.
    throw new QueueError(queueErrorCodes.pgmqMissing, `list: ${pgmqRemedy(database.target)}`, {
      cause: (thrown as QueueError).cause,
    })
  }
}

export async function measureQueue(
  operations: Operations,
  queue: string,
  signal: AbortSignal | undefined,
): Promise<QueueMetrics> {
  const call: Call = { operation: 'metrics', queue, signal }
  return operations.shapes.retrying([queue], call, async () => {
    await operations.shapes.of(queue, call)
    const tables = { queue: `q_${queue}`, archive: `a_${queue}` }
    const [row = {}] = await operations.database.run(statement('metrics', { tables }), {}, call)
    return {
      queue,
      total: Number(row.total),
      ready: Number(row.ready),
      leased: Number(row.leased),
      scheduled: Number(row.scheduled),
      oldestReadyMs: row.oldest == null ? null : Number(row.oldest),
      archived: Number(row.archived),
    }
  })
}

export async function probeQueue(
  operations: Operations,
  queue: string,
  signal: AbortSignal | undefined,
): Promise<ProbeResult> {
  const call: Call = { operation: 'probe', queue, signal }
  return operations.shapes.retrying([queue], call, async () => {
    await operations.shapes.of(queue, call)
    const [row = {}] = await operations.database.run(
      statement('probe', { tables: { queue: `q_${queue}` } }),
      {},
      call,
    )
    return {
      nextDueInMs: row.due == null ? null : Number(row.due),
      newestId: row.id == null ? null : String(row.id),
    }
  })
}

export async function peekMessages(
  operations: Operations,
  input: PeekInput,
  signal: AbortSignal | undefined,
): Promise<PeekedMessage[]> {
  const { queue } = input
  const values = {
    limit: wholeNumber(input.limit ?? defaultPeekLimit, 'limit', { least: 1, most: maxPeekLimit, queue }),
    after: messageId(input.afterId ?? '0', queue),
  }
  const call: Call = { operation: 'peek', queue, signal }
  return operations.shapes.retrying([queue], call, async () => {
    const shape = await operations.shapes.of(queue, call)
    const archived = input.archived === true
    const hasHeaders = archived ? shape.flags.includes('archive_headers') : shape.headers
    const rows = await operations.database.run(
      statement('peek', {
        tables: { queue: `${archived ? 'a' : 'q'}_${queue}` },
        flags: [...(hasHeaders ? ['headers'] : []), ...(archived ? ['archived'] : [])],
      }),
      values,
      call,
    )
    return rows.map(peekedMessage)
  })
}
