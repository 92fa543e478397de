import type { Lease, LeasedMessage, ProbeResult, ReadResult, Settlement } from '@aimq/events'
import type { Call, Row } from './database.ts'
import { type DeadLettered, type DeadLetterResult, deadLetter } from './dead-letter.ts'
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
import { addLeasedMessages, checkedHeaders } from './message.ts'
import type { Operations } from './operations.ts'
import { bottom, timestampOf } from './read-floors.ts'
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

const noLetters: DeadLetterResult = { moved: [], lost: [], failure: undefined }
const actions: readonly unknown[] = ['archive', 'delete', 'release', 'dead-letter']

/** Takes what is due, oldest first, and hides it for `leaseMs`. */
export async function readMessages(
  operations: Operations,
  queue: string,
  wish: ReadWish,
  signal: AbortSignal | undefined,
): Promise<ReadResult> {
  const { read } = await exchange(operations, queue, nothingToSettle, readingOf(wish, queue, bottom), signal)
  return read as ReadResult
}

/**
 * Settles, and reads what is next. Completions, releases and the read are one statement. Dead letters go first, each
 * dead-letter queue in a statement of its own: when one fails, the others are still settled, nothing is read (so that
 * nothing is leased for an answer that never comes), and the failure is thrown.
 *
 * A read that looked only where a backlog went on, and found nothing, answers nothing: whoever asked reads again.
 */
export async function settleMessages(
  operations: Operations,
  queue: string,
  settlements: readonly Settlement[],
  wish: ReadWish | undefined,
  signal: AbortSignal | undefined,
): Promise<Settled> {
  checkSettlements(settlements, queue)
  const reading = wish === undefined ? undefined : readingOf(wish, queue, operations.floors.of(queue))
  const dead = settlements.filter((settlement) => settlement.action === 'dead-letter')
  const plain = plainValues(settlements, queue)

  // Without a turn in between: what only completes takes the connection that is at hand.
  const letters = dead.length === 0 ? noLetters : await deadLetter(operations, queue, dead, signal)
  const wanted = letters.failure === undefined ? reading : undefined
  const main =
    plain.flags.length === 0 && wanted === undefined
      ? undefined
      : await exchange(operations, queue, plain, wanted, signal)
  if (letters.failure !== undefined) throw letters.failure
  return {
    lost: [...(main?.lost ?? []), ...letters.lost],
    deadLettered: letters.moved,
    ...(main?.read === undefined ? {} : { read: main.read }),
  }
}

/** Settles and reads in one statement. No `read`: none was wanted, or nothing was found and there may be something below. */
async function exchange(
  operations: Operations,
  queue: string,
  plain: PlainValues,
  reading: Reading | undefined,
  signal: AbortSignal | undefined,
): Promise<{ lost: readonly string[]; read?: ReadResult }> {
  const { shapes, database, floors } = operations
  const call: Call = { operation: plain.flags.length > 0 ? 'settle' : 'read', queue, signal }
  const flags = [...plain.flags]
  if (reading !== undefined) flags.push('read')
  if (plain.flags.length === 0 && database.ownsTransactions) flags.push('forgettable')
  return shapes.retrying([queue], call, async () => {
    const shape = shapes.known(queue) ?? (await shapes.of(queue, call))
    const rendered = statement('settle', {
      tables: { queue: `q_${queue}`, archive: `a_${queue}` },
      flags: [...shape.flags, ...flags],
    })
    const sentAt = performance.now()
    const rows = await database.run(rendered, { ...plain.values, ...reading?.values }, call)
    const lost = lostIn(rows)
    if (reading === undefined) return { lost }
    const read = readResult(rows, queue)
    floors.learn(queue, { from: reading.from, sentAt, wanted: reading.count, read })
    return read.messages.length === 0 && reading.from !== bottom ? { lost } : { lost, read }
  })
}

/** What is to be read, as numbers and as the statement takes it. */
interface Reading {
  readonly from: number
  readonly count: number
  readonly values: Readonly<Record<'count' | 'lease' | 'from', string>>
}

function readingOf(wish: ReadWish, queue: string, from: number): Reading {
  const count = wholeNumber(wish?.count, 'count', { least: 1, most: maxReadCount, queue })
  const lease = duration(wish?.leaseMs, 'leaseMs', { least: 1, most: maxLeaseMs, queue })
  return { from, count: Number(count), values: { count, lease, from: timestampOf(from) } }
}

interface PlainValues {
  /** What is wanted of the statement; empty when nothing is to be settled. */
  readonly flags: readonly string[]
  readonly values: Readonly<Record<string, string>>
}

const nothingToSettle: PlainValues = { flags: [], values: {} }

/** Settlements as the statement takes them: completions as arrays, releases as JSON. */
function plainValues(settlements: readonly Settlement[], queue: string): PlainValues {
  const archive = new Completions()
  const deletion = new Completions()
  const releases: object[] = []
  for (const settlement of settlements) {
    if (settlement.action === 'archive') archive.add(settlement, queue)
    else if (settlement.action === 'delete') deletion.add(settlement, queue)
    else if (settlement.action === 'release') releases.push(releaseEntry(settlement, queue))
  }
  const values: Record<string, string> = {}
  const flags: string[] = []
  if (archive.size > 0) {
    flags.push('archive')
    values.archive_ids = archive.ids
    values.archive_enqueued = archive.enqueued
  }
  if (deletion.size > 0) {
    flags.push('delete')
    values.delete_ids = deletion.ids
    values.delete_enqueued = deletion.enqueued
  }
  if (releases.length > 0) {
    flags.push('release')
    values.releases = JSON.stringify(releases)
  }
  return { flags: flags.length === 0 ? flags : ['settle', ...flags], values }
}

/** The fences of completed messages, as PostgreSQL writes arrays. */
class Completions {
  readonly #ids: string[] = []
  readonly #enqueued: number[] = []

  add(lease: Lease, queue: string): void {
    const { id, enqueued } = fenceOf(lease, queue)
    this.#ids.push(id)
    this.#enqueued.push(enqueued)
  }

  get size(): number {
    return this.#ids.length
  }

  get ids(): string {
    return `{${this.#ids.join(',')}}`
  }

  get enqueued(): string {
    return `{${this.#enqueued.join(',')}}`
  }
}

function releaseEntry(settlement: Settlement & { readonly action: 'release' }, queue: string): object {
  const delay = Number(duration(settlement.delayMs, 'delayMs', { least: 0, most: maxDelayMs, queue }))
  const headers = checkedHeaders(settlement.headers, queue)
  const entry = { ...fenceOf(settlement, queue), delay }
  return headers === undefined ? entry : { ...entry, headers }
}

function checkSettlements(settlements: readonly Settlement[], queue: string): void {
  if (!Array.isArray(settlements)) {
    throw refuseInput(queue, `expected settlements to be an array, got ${show(settlements)}`)
  }
  const ids = new Set<string>()
  for (const settlement of settlements) {
    if (!actions.includes(settlement?.action)) {
      throw refuseInput(
        queue,
        `expected a settlement's action to be one of ${actions.join(', ')}, got ${show(settlement?.action)}`,
      )
    }
    ids.add(settlement.id)
  }
  if (ids.size < settlements.length) refuseDoubles(settlements, queue)
}

/** The same id may stand for two messages: of a queue that was dropped, and of the one that was created after it. */
function refuseDoubles(settlements: readonly Settlement[], queue: string): void {
  const seen = new Set<string>()
  for (const { id, enqueuedAt } of settlements) {
    const key = `${id} ${enqueuedAt}`
    if (seen.has(key)) throw refuseInput(queue, `expected one settlement for message ${id}, got two`)
    seen.add(key)
  }
}

/** The statement's last row is about all of it. */
function lostIn(rows: readonly Row[]): readonly string[] {
  const lost = rows.at(-1)?.lost
  return lost == null ? [] : (JSON.parse(String(lost)) as string[])
}

function readResult(rows: readonly Row[], queue: string): ReadResult {
  const about = rows.at(-1)
  const messages: LeasedMessage[] = []
  for (let n = 0; n < rows.length - 1; n++) addLeasedMessages(messages, rows[n] as Row, queue)
  // RETURNING keeps no order.
  messages.sort((a, b) => a.dueAt - b.dueAt || compareIds(a.id, b.id))
  const next: ProbeResult | null =
    messages.length > 0
      ? null
      : {
          nextDueInMs: about?.due == null ? null : Number(about.due),
          newestId: about?.ids == null ? null : String(about.ids),
        }
  return { messages, readAt: Number(about?.clock), next }
}
