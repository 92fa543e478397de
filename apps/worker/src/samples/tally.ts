import { type EndedJob, ms } from '@aimq/cli/start'

/** Counts what became of the sample jobs. */
export interface Tally {
  /** From here on, until all are settled: a worker that runs for months keeps no list of its jobs. */
  begin(): void
  add(job: EndedJob): void
  /**
   * Resolves when each of `jobs` (as `queue/id`) is completed or a dead letter, or when `emptied` says that none is
   * left; rejects when `signal` aborts.
   */
  settled(jobs: ReadonlySet<string>, signal: AbortSignal, emptied: Promise<void>): Promise<void>
  /** Two sentences, and one more when other workers had a share in `jobs`. */
  summary(elapsedMs: number, jobs: ReadonlySet<string>): string[]
}

export function createTally(): Tally {
  const done = new Set<string>()
  const waits: number[] = []
  const counts = { completed: 0, retried: 0, 'dead-lettered': 0, released: 0, 'lease-lost': 0 }
  let counting = false
  let onDone = () => {}
  return {
    begin() {
      counting = true
    },
    add({ queue, id, outcome, attempt, waitedMs }) {
      if (!counting) return
      counts[outcome] += 1
      // A second try waits for its delay, not for us.
      if (waitedMs !== undefined && attempt === 1) waits.push(waitedMs)
      if (outcome === 'completed' || outcome === 'dead-lettered') done.add(`${queue}/${id}`)
      onDone()
    },
    async settled(jobs, signal, emptied) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      onDone = () => [...jobs].every((job) => done.has(job)) && resolve()
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      onDone()
      await Promise.race([promise, emptied]).finally(() => {
        counting = false
      })
    },
    summary(elapsedMs, jobs) {
      waits.sort((a, b) => a - b)
      const ended = counts.completed + counts['dead-lettered']
      const retried = counts.retried > 0 ? `, ${counts.retried} tried again` : ''
      const lines = [
        `${ended} jobs in ${ms(elapsedMs)}: ${counts.completed} completed, ${counts['dead-lettered']} dead-lettered${retried}.`,
      ]
      const [median, slowest] = [waits[Math.floor(waits.length / 2)], waits.at(-1)]
      if (median !== undefined && slowest !== undefined) {
        lines.push(`From ready to started: ${ms(median)} in the median, ${ms(slowest)} at most.`)
      }
      const elsewhere = [...jobs].filter((job) => !done.has(job)).length
      if (elsewhere > 0) lines.push(`${elsewhere} more were worked by another worker.`)
      return lines
    },
  }
}
