import { didYouMean } from '@aimq/events'
import type { Call, Database, Row } from './database.ts'
import { QueueError, queueErrorCodes } from './errors.ts'
import { pgmqRemedy, sqlStateOf } from './postgres-error.ts'
import { statement } from './sql.ts'

/** What one queue's own tables can do: versions of pgmq differ, and so do queues made by them in one database. */
export interface QueueShape {
  readonly partitioned: boolean
  /** Flags for the lines of our statements. */
  readonly flags: readonly string[]
  readonly headers: boolean
}

/** Asked once per queue, and again when the database says that something is not as it was. */
export interface QueueShapes {
  /** What `of` would answer, if that needs no asking: a statement that can go out in this turn should. */
  known(queue: string): QueueShape | undefined
  /** @throws `queue/not-found`, `queue/unlogged`, `queue/pgmq-missing` */
  of(queue: string, call: Call): Promise<QueueShape>
  /** Like `of`, but null when there is no such queue. */
  find(queue: string, call: Call): Promise<QueueShape | null>
  forget(...queues: readonly string[]): void
  /** Runs `work`, and once more with fresh shapes when the tables turn out to have changed. */
  retrying<Result>(queues: readonly string[], call: Call, work: () => Promise<Result>): Promise<Result>
}

/** Undefined column, undefined table, a prepared plan whose result changed. */
const changedStates: readonly (string | undefined)[] = ['42703', '42P01', '0A000']

export function queueShapes(database: Database): QueueShapes {
  const known = new Map<string, QueueShape>()

  async function look(queue: string, call: Call): Promise<QueueShape | Row> {
    const cached = known.get(queue)
    if (cached !== undefined) return cached
    const [row = {}] = await database.run(statement('queue-shape'), { queue }, { ...call, queue })
    requirePgmq(row, queue, call, database.target)
    return row.found === true ? remember(queue, row, call) : row
  }

  async function find(queue: string, call: Call): Promise<QueueShape | null> {
    const looked = await look(queue, call)
    return isShape(looked) ? looked : null
  }

  async function of(queue: string, call: Call): Promise<QueueShape> {
    const looked = await look(queue, call)
    if (isShape(looked)) return looked
    throw notFound(queue, looked, call)
  }

  function remember(queue: string, row: Row, call: Call): QueueShape {
    if (row.unlogged === true) throw unlogged(queue, call)
    const shape = shapeOf(row)
    known.set(queue, shape)
    return shape
  }

  async function retrying<Result>(
    queues: readonly string[],
    call: Call,
    work: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await work()
    } catch (thrown) {
      if (!changedStates.includes(sqlStateOf((thrown as QueueError).cause))) throw thrown
      for (const queue of queues) known.delete(queue)
      // In the caller's transaction nothing more can run: it is aborted.
      if (call.transaction !== undefined) throw thrown
      return await work()
    }
  }

  return {
    known: (queue) => known.get(queue),
    of,
    find,
    forget: (...queues) => {
      for (const queue of queues) known.delete(queue)
    },
    retrying,
  }
}

function isShape(looked: QueueShape | Row): looked is QueueShape {
  return Array.isArray(looked.flags)
}

function shapeOf(row: Row): QueueShape {
  const flags = [
    // Other ways to store a table have no `xmax`.
    row.heap === true && 'heap',
    row.headers === true && 'headers',
    row.lastread === true && 'last_read_at',
    row.archiveheaders === true && 'archive_headers',
    row.archivelastread === true && 'archive_last_read_at',
  ].filter((flag) => flag !== false)
  return { partitioned: row.partitioned === true, flags, headers: row.headers === true }
}

function requirePgmq(row: Row, queue: string, call: Call, target: string): void {
  if (row.pgmq === true) return
  throw new QueueError(queueErrorCodes.pgmqMissing, `${call.operation} "${queue}": ${pgmqRemedy(target)}`, {
    queue,
  })
}

function notFound(queue: string, row: Row, call: Call): QueueError {
  const names = JSON.parse(String(row.known ?? '[]')) as string[]
  // With hundreds of queues the list would be longer than the message.
  const hint = didYouMean(queue, names)
  const shown = hint.length > 300 ? `; there are ${names.length} others` : hint
  return new QueueError(
    queueErrorCodes.notFound,
    `${call.operation} "${queue}": there is no such queue${shown || ', and no other'}; create it: await client.create('${queue}')`,
    { queue },
  )
}

function unlogged(queue: string, call: Call): QueueError {
  return new QueueError(
    queueErrorCodes.unlogged,
    `${call.operation} "${queue}": the queue is unlogged, so a crash of the database would lose its messages and start its ids again at 1; make it durable: alter table pgmq.q_${queue} set logged`,
    { queue },
  )
}
