import { setTimeout as sleep } from 'node:timers/promises'
import type { Line } from './ndjson.ts'

/** One statement carries no more than this. */
const maxBatchBytes = 4 * 1024 * 1024

/** Whoever writes lines one by one has them sent: the first of a batch waits no longer than this for others. */
const longestWaitMs = 200

/** Lines in batches, for one statement each. */
export async function* batches(lines: AsyncIterator<Line>, size: number): AsyncGenerator<Line[]> {
  let coming = ask(lines)
  for (;;) {
    const { batch, ended } = await collect()
    if (batch.length > 0) yield batch
    if (ended) return
  }

  async function collect(): Promise<{ batch: Line[]; ended: boolean }> {
    const batch: Line[] = []
    let bytes = 0
    const enough = new AbortController()
    let waited: Promise<undefined> | undefined
    try {
      while (batch.length < size && bytes <= maxBatchBytes) {
        const came = await (waited === undefined ? coming : Promise.race([coming, waited]))
        if (came === undefined) break
        if (came.done === true) return { batch, ended: true }
        batch.push(came.value)
        bytes += came.value.text.length
        coming = ask(lines)
        waited ??= sleep(longestWaitMs, undefined, { signal: enough.signal }).catch(() => undefined)
      }
      return { batch, ended: false }
    } finally {
      enough.abort()
    }
  }
}

/** What comes may never be waited for: then its failure is nobody's. */
function ask(lines: AsyncIterator<Line>): Promise<IteratorResult<Line>> {
  const coming = lines.next()
  coming.catch(() => {})
  return coming
}
