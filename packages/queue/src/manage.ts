import type { CreateQueueInput } from '@aimq/events'
import { readCapabilities } from './capabilities.ts'
import type { Call } from './database.ts'
import { QueueError, queueErrorCodes } from './errors.ts'
import { refuseInput, show } from './inputs.ts'
import type { Operations } from './operations.ts'
import { partmanRemedy, pgmqRemedy, sqlStateOf } from './postgres-error.ts'
import { statement } from './sql.ts'

/** pgmq's own defaults: messages per partition, and messages kept. */
const defaultPartitionInterval = '10000'
const defaultRetentionInterval = '100000'

/** Makes the queue and its archive; answers false when it was there. */
export async function createQueue(
  operations: Operations,
  input: CreateQueueInput,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { queue, partitioned } = input
  const call: Call = { operation: 'create', queue, signal }
  const intervals = {
    partition_interval: interval(partitioned?.partitionInterval ?? defaultPartitionInterval, queue),
    retention_interval: interval(partitioned?.retentionInterval ?? defaultRetentionInterval, queue),
  }
  const able = await readCapabilities(operations, signal)
  if (!able.pgmq) {
    throw new QueueError(
      queueErrorCodes.pgmqMissing,
      `create "${queue}": ${pgmqRemedy(operations.database.target)}`,
      { queue },
    )
  }
  if (partitioned !== undefined && !able.partitioned) {
    throw new QueueError(queueErrorCodes.partmanMissing, `create "${queue}": ${partmanRemedy}`, { queue })
  }
  const create = statement('create', { flags: partitioned === undefined ? [] : ['partitioned'] })
  const values = { queue, ...intervals }
  operations.shapes.forget(queue)
  operations.floors.forget(queue)
  const [row] = await operations.database.run(create, values, call).catch((thrown: unknown) => {
    // Two at once: pgmq before 1.5 takes no lock, and the loser meets a half-made catalogue entry.
    const raced = ['23505', '42P07', '42710'].includes(sqlStateOf((thrown as QueueError).cause) ?? '')
    if (!raced) throw thrown
    return operations.database.run(create, values, call)
  })
  return row?.existed !== true
}

/** Drops the queue with its archive; answers false when there was none. */
export async function dropQueue(
  operations: Operations,
  queue: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const call: Call = { operation: 'drop', queue, signal }
  const able = await readCapabilities(operations, signal)
  operations.shapes.forget(queue)
  operations.floors.forget(queue)
  const listed = await operations.shapes.find(queue, call).catch((thrown: unknown) => {
    // An unlogged queue cannot be worked, but it can be got rid of.
    if ((thrown as QueueError).code === queueErrorCodes.unlogged) return { partitioned: false }
    throw thrown
  })
  if (listed === null) return false
  const [row] = await operations.database.run(
    statement('drop', { flags: able.dropsByName ? ['by_name'] : [] }),
    { queue, partitioned: String(listed.partitioned) },
    call,
  )
  operations.shapes.forget(queue)
  operations.floors.forget(queue)
  return row?.dropped !== false
}

/** Deletes every message of the queue, those being worked included. The archive stays. */
export async function purgeQueue(
  operations: Operations,
  queue: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const call: Call = { operation: 'purge', queue, signal }
  return operations.shapes.retrying([queue], call, async () => {
    await operations.shapes.of(queue, call)
    const [row] = await operations.database.run(statement('purge'), { queue }, call)
    return Number(row?.count ?? 0)
  })
}

function interval(value: unknown, queue: string): string {
  if (typeof value === 'string' && /^[\w :.]{1,40}$/.test(value)) return value
  throw refuseInput(
    queue,
    `expected an interval as a number of messages or a duration, such as '10000' or '1 day', got ${show(value)}`,
  )
}
