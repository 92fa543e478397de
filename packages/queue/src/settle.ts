import type { ProbeResult, ReadResult, Settlement } from '@aimq/events'
import type { Call, Row } from './database.ts'
import { type DeadLettered, type DeadLetterSettlement, deadLetter } from './dead-letter.ts'
import {
  compareIds,
  duration,
  fenceOf,
  maxDelayMs,
  maxLeaseMs,
  maxReadCount,
  refuseInput,
  show,
  wholeNumber,
} from './inputs.ts'
import { checkedHeaders, leasedMessage } from './message.ts'
import type { Operations } from './operations.ts'
import type { QueueShape } from './queue-shape.ts'
import { statement } from './sql.ts'

export interface ReadWish {
  readonly count: number
  readonly leaseMs: number
}

export interface Settled {
  readonly lost: readonly string[]
  readonly deadLettered: readonly DeadLettered[]
  readonly read?: ReadResult
}

type PlainSettlement = Exclude<Settlement, DeadLetterSettlement>

const actions: readonly unknown[] = ['archive', 'delete', 'release', 'dead-letter']

/** Takes what is due, oldest first, and hides it for `leaseMs`. */
export async function readMessages(
  operations: Operations,
  queue: string,
  wish: ReadWish,
  signal: AbortSignal | undefined,
): Promise<ReadResult> {
  const values = readValues(wish, queue)
  const call: Call = { operation: 'read', queue, signal }
  return operations.shapes.retrying([queue], call, async () => {
    const shape = await operations.shapes.of(queue, call)
    const rows = await operations.database.run(settleStatement(queue, shape, ['read']), values, call)
    return readResult(rows)
  })
}

/**
 * Settles, and reads what is next. Completions, releases and the read are one statement. Dead letters go first, each
 * dead-letter queue in a statement of its own: when one fails, the others are still settled, nothing is read (so that
 * nothing is leased for an answer that never comes), and the failure is thrown.
 */
export async function settleMessages(
  operations: Operations,
  queue: string,
  settlements: readonly Settlement[],
  wish: ReadWish | undefined,
  signal: AbortSignal | undefined,
): Promise<Settled> {
  checkSettlements(settlements, queue)
  const reading = wish === undefined ? undefined : readValues(wish, queue)
  const dead = settlements.filter((settlement) => settlement.action === 'dead-letter')
  const plain = settlements.filter((settlement) => settlement.action !== 'dead-letter')
  const entries = plain.map((settlement, n) => plainEntry(settlement, n, queue))

  const letters = await deadLetter(operations, queue, dead, signal)
  const wanted = letters.failure === undefined ? reading : undefined
  const main =
    entries.length === 0 && wanted === undefined
      ? undefined
      : await settlePlain(operations, queue, plain, entries, wanted, signal)
  if (letters.failure !== undefined) throw letters.failure
  return {
    lost: [...(main?.lost ?? []), ...letters.lost],
    deadLettered: letters.moved,
    ...(main?.read === undefined ? {} : { read: main.read }),
  }
}

async function settlePlain(
  operations: Operations,
  queue: string,
  settlements: readonly PlainSettlement[],
  entries: readonly object[],
  reading: Readonly<Record<string, string>> | undefined,
  signal: AbortSignal | undefined,
): Promise<{ lost: string[]; read?: ReadResult }> {
  const call: Call = { operation: 'settle', queue, signal }
  const kinds = [...new Set(settlements.map((settlement) => settlement.action))].sort()
  const flags = [
    ...(entries.length > 0 ? ['settle'] : []),
    ...kinds,
    ...(reading === undefined ? [] : ['read']),
  ]
  return operations.shapes.retrying([queue], call, async () => {
    const shape = await operations.shapes.of(queue, call)
    const rows = await operations.database.run(
      settleStatement(queue, shape, flags),
      { settlements: JSON.stringify(entries), ...reading },
      call,
    )
    const settled = new Set(rows.filter((row) => row.kind === 'settled').map((row) => Number(row.n)))
    const lost = settlements.filter((_, n) => !settled.has(n)).map((settlement) => settlement.id)
    return reading === undefined ? { lost } : { lost, read: readResult(rows) }
  })
}

function settleStatement(queue: string, shape: QueueShape, flags: readonly string[]) {
  return statement('settle', {
    tables: { queue: `q_${queue}`, archive: `a_${queue}` },
    flags: [...shape.flags, ...flags],
  })
}

function readValues(wish: ReadWish, queue: string): Readonly<Record<string, string>> {
  return {
    count: wholeNumber(wish?.count, 'count', { least: 1, most: maxReadCount, queue }),
    lease: duration(wish?.leaseMs, 'leaseMs', { least: 1, most: maxLeaseMs, queue }),
  }
}

function plainEntry(settlement: PlainSettlement, n: number, queue: string): object {
  const entry = { n, action: settlement.action, ...fenceOf(settlement, queue) }
  if (settlement.action !== 'release') return entry
  const delay = Number(duration(settlement.delayMs, 'delayMs', { least: 0, most: maxDelayMs, queue }))
  const headers = checkedHeaders(settlement.headers, queue)
  return headers === undefined ? { ...entry, delay } : { ...entry, delay, headers }
}

function checkSettlements(settlements: readonly Settlement[], queue: string): void {
  const seen = new Set<string>()
  for (const settlement of settlements) {
    if (!actions.includes(settlement?.action)) {
      throw refuseInput(
        queue,
        `expected a settlement's action to be one of ${actions.join(', ')}, got ${show(settlement?.action)}`,
      )
    }
    const key = `${settlement.id} ${settlement.enqueuedAt}`
    if (seen.has(key)) {
      throw refuseInput(queue, `expected one settlement for message ${settlement.id}, got two`)
    }
    seen.add(key)
  }
}

function readResult(rows: readonly Row[]): ReadResult {
  const messages = rows
    .filter((row) => row.kind === 'message')
    .map((row) => leasedMessage(row))
    // RETURNING keeps no order.
    .sort((a, b) => a.dueAt - b.dueAt || compareIds(a.id, b.id))
  const nextRow = rows.find((row) => row.kind === 'next')
  const clock = nextRow ?? rows.find((row) => row.kind === 'message')
  const next: ProbeResult | null =
    nextRow === undefined
      ? null
      : {
          nextDueInMs: nextRow.due == null ? null : Number(nextRow.due),
          newestId: nextRow.id == null ? null : String(nextRow.id),
        }
  return { messages, readAt: Number(clock?.clock), next }
}
