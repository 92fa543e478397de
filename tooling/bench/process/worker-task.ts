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
  #told = 0
  #firstAt = 0
  #lastAt = 0
  #cpuAtFirst: NodeJS.CpuUsage | undefined
  #latencies: number[] = []

  async start({ subject, place, total, concurrency, holdMs }: WorkInput): Promise<void> {
    this.forget(total)
    this.#timer = setInterval(() => this.#tell(), progressEveryMs)
    const handler = holdMs === undefined ? this.#count1 : this.#counted(holdMs)
    this.#worker = await subjectOf(subject).work(place, { handler, concurrency })
  }

  readonly #count1 = async (payload: Payload): Promise<void> => this.#note(payload)

  #counted(holdMs: number) {
    return async (payload: Payload): Promise<void> => {
      this.#note(payload)
      await pause(holdMs)
    }
  }

  #note({ n, sentAt }: Payload): void {
    if (this.#count++ === 0) {
      this.#firstAt = microseconds()
      this.#cpuAtFirst = process.cpuUsage()
    }
    const times = this.#seen[n]
    if (times !== undefined && times < 255) this.#seen[n] = times + 1
    if (sentAt === undefined) return
    this.#lastAt = microseconds()
    this.#latencies.push((this.#lastAt - sentAt) / 1000)
  }

  #tell(): void {
    if (this.#count === this.#told) return
    this.#told = this.#count
    process.send?.({ count: this.#count } satisfies Progress)
  }

  forget(total: number): void {
    this.#seen = new Uint8Array(total)
    this.#count = 0
    this.#told = 0
    this.#firstAt = 0
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
      lastAt: this.#lastAt,
      cpuSinceFirstUs: since.user + since.system,
      cpuUs: total.user + total.system,
      rssMb: process.memoryUsage.rss() / 1024 / 1024,
      latenciesMs: Float64Array.from(this.#latencies),
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#worker?.stop()
    this.#worker = undefined
  }
}
