import type { ReadResult } from '@aimq/events'

/** The `vt` below which there is nothing. */
export const bottom = '-infinity'
/** A read from the bottom comes so much later than the last, and so late that such reads take a tenth of the time at most. */
const bottomEvery = { leastMs: 100, times: 10 }

interface Floor {
  readonly from: string
  readonly bottomAgainAt: number
}

/** What a read brought. */
export interface ReadBrought {
  readonly from: string
  /** `performance.now()` before it was sent. */
  readonly sentAt: number
  readonly wanted: number
  readonly read: ReadResult
}

/**
 * From which `vt` on to read. A message that was read leaves an entry in the index on `vt` until a vacuum takes it away,
 * and one transaction left open anywhere in the database can put that off for hours. A read from the bottom walks over
 * all of these: the more was worked, the slower.
 *
 * So while one read after another brings all it asks for, the next begins at the oldest that the last one brought. A message that appears
 * below (its producer was slow to commit, a peer's read was undone) is met by the next read from the bottom, and nobody
 * is told that a queue has nothing before there was one.
 */
export class ReadFloors {
  readonly #floors = new Map<string, Floor>()

  /** For the next read. */
  of(queue: string): string {
    const floor = this.#floors.get(queue)
    return floor === undefined || floor.bottomAgainAt <= performance.now() ? bottom : floor.from
  }

  learn(queue: string, { from, sentAt, wanted, read }: ReadBrought): void {
    const [oldest] = read.messages
    if (oldest === undefined || read.messages.length < wanted) {
      this.#floors.delete(queue)
      return
    }
    const known = this.#floors.get(queue)
    this.#floors.set(queue, {
      // After one full read the next may well find nothing, and would only have to be done again from the bottom.
      from: known === undefined ? bottom : new Date(Math.floor(oldest.dueAt)).toISOString(),
      bottomAgainAt: isAboveBottom(from) && known !== undefined ? known.bottomAgainAt : bottomAgainAt(sentAt),
    })
  }
}

/** Whether there may be something below. */
export function isAboveBottom(from: string): boolean {
  return from !== bottom
}

function bottomAgainAt(sentAt: number): number {
  const now = performance.now()
  return now + Math.max(bottomEvery.leastMs, bottomEvery.times * (now - sentAt))
}
