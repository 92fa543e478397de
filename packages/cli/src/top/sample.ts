import type { Bus, RealtimeStatus } from '@aimq/events'
import { assertQueueName } from '@aimq/events'
import type { Connection } from '../connect.ts'
import { measure } from '../measure.ts'
import { queueTriggers, wakeUpWord } from '../trigger-state.ts'

/** One look at one queue. */
export interface QueueSample {
  readonly queue: string
  readonly ready: number
  readonly inHand: number
  readonly scheduled: number
  readonly oldestReadyMs: number | null
  readonly archived: number
  /** Per second since the look before; undefined at the first. */
  readonly sentPerSecond: number | undefined
  readonly donePerSecond: number | undefined
  /** From sent to archived, of what was done in the last minute; null: nothing was, or it is deleted when done. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly wakeUps: string | undefined
}

export interface Sample {
  /** Epoch milliseconds. */
  readonly at: number
  readonly queues: readonly QueueSample[]
  readonly realtime: RealtimeStatus | undefined
}

export interface Sources {
  readonly bus: Bus
  /** Where wake-ups are proven; undefined: the step is not installed. */
  readonly wakeBus: Bus | undefined
  readonly connection: Connection
  /** Only these; empty: all. */
  readonly only: readonly string[]
}

interface Totals {
  readonly lastId: number
  readonly total: number
  readonly at: number
}

/** Looks again and again; rates are those between two looks. */
export function createSampler({
  bus,
  wakeBus,
  connection,
  only,
}: Sources): (signal: AbortSignal) => Promise<Sample> {
  const before = new Map<string, Totals>()

  return async function look(signal) {
    const { queues } = await bus.request('queue:list', {}, { signal })
    const names = queues
      .map(({ queue }) => queue)
      .filter((queue) => only.length === 0 || only.includes(queue))
      .sort()
    const triggers = await queueTriggers(bus, signal)
    const metrics = await measure(bus, names, signal)
    const ids = await lastIds(connection)
    const at = Date.now()
    const samples: QueueSample[] = []
    for (const queue of names) {
      const counted = metrics.get(queue)
      if (counted === undefined) continue
      const lastId = ids.get(queue) ?? 0
      const { sentPerSecond, donePerSecond } = rates(before.get(queue), { lastId, total: counted.total, at })
      before.set(queue, { lastId, total: counted.total, at })
      const { p50Ms, p95Ms } = await latency(connection, queue)
      samples.push({
        queue,
        ready: counted.ready,
        inHand: counted.leased,
        scheduled: counted.scheduled,
        oldestReadyMs: counted.oldestReadyMs,
        archived: counted.archived,
        sentPerSecond,
        donePerSecond,
        p50Ms,
        p95Ms,
        wakeUps: triggers === undefined ? undefined : wakeUpWord(triggers.get(queue)),
      })
    }
    const realtime = await wakeBus?.request('realtime:status', {})
    return { at, queues: samples, realtime }
  }
}

/** What came in is what ids were given out for; what is done is what came in and is not there any more. */
function rates(
  before: Totals | undefined,
  now: Totals,
): Pick<QueueSample, 'sentPerSecond' | 'donePerSecond'> {
  if (before === undefined) return { sentPerSecond: undefined, donePerSecond: undefined }
  const seconds = Math.max((now.at - before.at) / 1000, 0.001)
  const sent = Math.max(now.lastId - before.lastId, 0)
  const done = Math.max(sent - (now.total - before.total), 0)
  return { sentPerSecond: sent / seconds, donePerSecond: done / seconds }
}

async function lastIds(connection: Connection): Promise<ReadonlyMap<string, number>> {
  const rows = await connection.rows<{ queue: string; last_id: string }>('top-ids')
  return new Map(rows.map(({ queue, last_id }) => [queue, Number(last_id)]))
}

async function latency(connection: Connection, queue: string): Promise<Pick<QueueSample, 'p50Ms' | 'p95Ms'>> {
  assertQueueName(queue)
  const rows = await connection
    .rows<{ p50_ms: number | null; p95_ms: number | null }>('top-latency', [], { archive: `a_${queue}` })
    // A worker's role may not look into every archive.
    .catch(() => [])
  return { p50Ms: rows[0]?.p50_ms ?? null, p95Ms: rows[0]?.p95_ms ?? null }
}
