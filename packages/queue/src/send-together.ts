import { queueErrorCodes } from './errors.ts'
import type { Operations } from './operations.ts'
import { type DraftMessage, type PreparedMessage, prepare, sendPrepared } from './send.ts'

/** A statement that carries more gains nothing, and makes the first wait for the last. */
const mostTogether = { messages: 500, bytes: 1024 * 1024 }
/** Statements of one queue under way at once. While they are, what comes gathers for the next. */
const mostUnderWay = 2

/** Told what is there now, before its promises are. */
type OnSent = (queue: string, drafts: readonly DraftMessage[]) => void

interface Waiting {
  readonly message: PreparedMessage
  readonly draft: DraftMessage
  readonly signal: AbortSignal | undefined
  readonly resolve: (id: string) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Single sends of the same moment share a statement, and so a commit: the disk takes a bounded number of commits a
 * second. Every promise still means «committed»; a message that the database refuses fails alone.
 *
 * The first goes out in the turn in which it was sent. Messages with a key go by themselves: a claim may wait for another
 * producer, and nobody else is to wait with it.
 */
export class SendTogether {
  readonly #operations: Operations
  readonly #onSent: OnSent
  readonly #lanes = new Map<string, Lane>()

  constructor(operations: Operations, onSent: OnSent) {
    this.#operations = operations
    this.#onSent = onSent
  }

  /** Answers with the id. */
  send(queue: string, draft: DraftMessage, signal: AbortSignal | undefined): Promise<string> {
    const message = prepare(this.#operations, queue, draft)
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.#laneOf(queue).push({ message, draft, signal, resolve, reject })
    return promise
  }

  /** Resolves when everything that was sent so far is there, or has failed; undefined when there is nothing. */
  settled(): Promise<unknown> | undefined {
    const busy = [...this.#lanes.values()].filter((lane) => !lane.isIdle)
    return busy.length === 0 ? undefined : Promise.all(busy.map((lane) => lane.idle()))
  }

  #laneOf(queue: string): Lane {
    const known = this.#lanes.get(queue)
    if (known !== undefined) return known
    const lane = new Lane(this.#operations, queue, this.#onSent)
    this.#lanes.set(queue, lane)
    return lane
  }
}

/** The single sends of one queue. */
class Lane {
  readonly #operations: Operations
  readonly #queue: string
  readonly #onSent: OnSent
  #waiting: Waiting[] = []
  #underWay = 0
  #scheduled = false
  #onIdle: (() => void)[] = []

  constructor(operations: Operations, queue: string, onSent: OnSent) {
    this.#operations = operations
    this.#queue = queue
    this.#onSent = onSent
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#underWay === 0
  }

  idle(): Promise<void> {
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  push(waiting: Waiting): void {
    this.#waiting.push(waiting)
    if (this.#scheduled) return
    this.#scheduled = true
    // Behind every promise of this turn, so that senders who go on together stay together.
    queueMicrotask(() => process.nextTick(() => this.#flush()))
  }

  #flush(): void {
    this.#scheduled = false
    while (this.#waiting.length > 0 && this.#underWay < mostUnderWay) void this.#dispatch(this.#take())
    if (this.isIdle) for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  #take(): Waiting[] {
    let bytes = 0
    let count = 0
    while (count < this.#waiting.length && count < mostTogether.messages && bytes < mostTogether.bytes) {
      bytes += this.#waiting[count++]?.message.payload.length ?? 0
    }
    return this.#waiting.splice(0, count).filter(({ signal, reject }) => {
      if (signal?.aborted) reject(signal.reason)
      return !signal?.aborted
    })
  }

  async #dispatch(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return
    this.#underWay++
    await this.#deliver(batch)
    this.#underWay--
    this.#flush()
  }

  async #deliver(batch: readonly Waiting[]): Promise<void> {
    const messages = batch.map(({ message }) => message)
    let ids: readonly string[]
    try {
      ids = (await sendPrepared(this.#operations, this.#queue, messages, {})).ids
    } catch (thrown) {
      if (batch.length > 1 && mayBeOneMessage(thrown))
        await Promise.all(batch.map((one) => this.#deliver([one])))
      else for (const { reject } of batch) reject(thrown)
      return
    }
    const drafts = batch.map(({ draft }) => draft)
    this.#onSent(this.#queue, drafts)
    batch.forEach(({ resolve }, index) => {
      resolve(ids[index] as string)
    })
  }
}

/** The database undid the statement for what stands in it: the others of the batch are not to pay for that. */
function mayBeOneMessage(thrown: unknown): boolean {
  const { code } = thrown as { code?: unknown }
  return code === queueErrorCodes.databaseFailed || String(code).startsWith('queue/invalid-')
}
