import type { ReadResult } from '@aimq/events'

/** A `vt` in epoch milliseconds below which there is nothing. */
export const bottom: number = Number.NEGATIVE_INFINITY
/**
 * How long after a read from the bottom the next one comes: ten times what it took, so that they cost a tenth of the time,
 * within these bounds. What it took may have been spent on waiting for a lock.
 */
const bottomEvery = { times: 10, leastMs: 100, mostMs: 5000 }

interface Floor {
  readonly from: number
  readonly bottomAgainAt: number
}

/** What a read brought. */
export interface ReadBrought {
  readonly from: number
  /** `performance.now()` before it was sent. */
  readonly sentAt: number
  readonly wanted: number
  readonly read: ReadResult
}

/**
 * From which `vt` on to read while a backlog is worked. A message that was read leaves an entry in the index on `vt` until
 * a vacuum takes it away, and one transaction left open anywhere in the database can put that off for hours. A read from
 * the bottom walks over all of these: the more was worked, the slower.
 *
 * So while one read after another brings all it asks for, the next begins where the last one ended. A message that appears
 * below (its producer was slow to commit, a peer's read was undone) is met by the next read from the bottom. One comes now
 * and then, and at the end of a backlog: nobody is told that a queue has nothing before.
 */
export class ReadFloors {
  readonly #floors = new Map<string, Floor>()

  /** For the next read. */
  of(queue: string): number {
    const floor = this.#floors.get(queue)
    if (floor === undefined) return bottom
    const now = performance.now()
    if (floor.bottomAgainAt > now) return floor.from
    // One at a time; and one that fails, because the walk takes too long, must not be all that is tried from now on.
    this.#floors.set(queue, { ...floor, bottomAgainAt: now + bottomEvery.mostMs })
    return bottom
  }

  learn(queue: string, { from, sentAt, wanted, read }: ReadBrought): void {
    if (read.messages.length < wanted) {
      this.#floors.delete(queue)
      return
    }
    const known = this.#floors.get(queue)
    // A read from the bottom has found something below meanwhile, and there may be more of it.
    if (known !== undefined && from > known.from) return
    this.#floors.set(queue, {
      // After one full read the next may well find nothing, and would only have to be done again from the bottom.
      from: known === undefined ? bottom : (read.messages.at(-1)?.dueAt ?? bottom),
      bottomAgainAt: from !== bottom && known !== undefined ? known.bottomAgainAt : bottomAgainAt(sentAt),
    })
  }

  /** The queue is another now, or none. */
  forget(queue: string): void {
    this.#floors.delete(queue)
  }
}

/** As PostgreSQL reads it; to the microsecond below, as there may be hundreds of messages in a millisecond. */
export function timestampOf(from: number): string {
  // A message from before 1970 says that it is from then.
  if (from <= 1) return '-infinity'
  const microseconds = Math.floor(from * 1000) - 1
  const milliseconds = Math.floor(microseconds / 1000)
  const fraction = String(microseconds - milliseconds * 1000).padStart(3, '0')
  return new Date(milliseconds).toISOString().replace('Z', `${fraction}Z`)
}

function bottomAgainAt(sentAt: number): number {
  const now = performance.now()
  const pauseMs = bottomEvery.times * (now - sentAt)
  return now + Math.min(bottomEvery.mostMs, Math.max(bottomEvery.leastMs, pauseMs))
}
