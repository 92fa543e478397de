import { setTimeout as pause } from 'node:timers/promises'
import { microseconds } from '../clock.ts'
import { subjectOf } from '../subjects/index.ts'
import type { Payload, RunningWorker } from '../subjects/subject.ts'
import type { Progress, WorkInput, WorkTally } from './tasks.ts'

/** Often enough that a run is not measured longer than it is, rarely enough that it costs nothing. */
const progressEveryMs = 5

/** A worker with a handler that counts. */
export class WorkerTask {
  #worker: RunningWorker | undefined
  #timer: NodeJS.Timeout | undefined
  #seen = new Uint8Array()
  #count = 0
  #firstAt = 0
  #heldMs = 0
  #cpuAtFirst: NodeJS.CpuUsage | undefined
  #latencies: number[] = []

  async start({ subject, place, total, concurrency, holdMs }: WorkInput): Promise<void> {
    this.forget(total)
    const handler = holdMs === undefined ? this.#plain : this.#holding(holdMs)
    this.#worker = await subjectOf(subject).work(place, { handler, concurrency })
  }

  readonly #plain = async (payload: Payload): Promise<void> => this.#note(payload)

  #holding(holdMs: number) {
    return async (payload: Payload): Promise<void> => {
      this.#note(payload)
      const begin = performance.now()
      await pause(holdMs)
      this.#heldMs += performance.now() - begin
    }
  }

  #note({ n, sentAt }: Payload): void {
    if (this.#count++ === 0) {
      this.#firstAt = microseconds()
      this.#cpuAtFirst = process.cpuUsage()
    }
    this.#timer ??= setTimeout(() => this.#tell(), progressEveryMs)
    const times = this.#seen[n]
    if (times !== undefined && times < 255) this.#seen[n] = times + 1
    if (sentAt === undefined) return
    this.#latencies.push((microseconds() - sentAt) / 1000)
  }

  #tell(): void {
    this.#timer = undefined
    process.send?.({ count: this.#count } satisfies Progress)
  }

  forget(total: number): void {
    this.#seen = new Uint8Array(total)
    this.#count = 0
    this.#firstAt = 0
    this.#heldMs = 0
    this.#cpuAtFirst = undefined
    this.#latencies = []
  }

  tally(): WorkTally {
    const total = process.cpuUsage()
    const since = this.#cpuAtFirst === undefined ? { user: 0, system: 0 } : process.cpuUsage(this.#cpuAtFirst)
    return {
      seen: this.#seen,
      count: this.#count,
      firstAt: this.#firstAt,
      cpuSinceFirstUs: since.user + since.system,
      cpuUs: total.user + total.system,
      rssMb: process.memoryUsage.rss() / 1024 / 1024,
      heldMs: this.#heldMs,
      latenciesMs: Float64Array.from(this.#latencies),
    }
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#worker?.stop()
    this.#worker = undefined
  }
}
