import { type Bus, type Logger, summarizeError } from '@aimq/events'

/** Says what is wrong with a queue: once that it cannot be worked, and once that it can again. */
export class Trouble {
  readonly #bus: Bus
  readonly #logger: Logger
  readonly #queue: string
  #present = false

  constructor(bus: Bus, logger: Logger, queue: string) {
    this.#bus = bus
    this.#logger = logger
    this.#queue = queue
  }

  /** The queue cannot be worked for the moment. */
  get isPresent(): boolean {
    return this.#present
  }

  begin(thrown: unknown): void {
    if (this.#present) return
    this.#present = true
    const queue = this.#queue
    this.warn(thrown, `queue "${queue}" cannot be worked for the moment`)
    const { message } = summarizeError(thrown)
    this.#bus.emit('worker:queue-paused', { queue, cause: 'unavailable', message })
  }

  end(): void {
    if (!this.#present) return
    this.#present = false
    const queue = this.#queue
    this.#logger.info({ queue }, `queue "${queue}" is worked again`)
    this.#bus.emit('worker:queue-resumed', { queue })
  }

  /** A job had been ready for long, and no hint told of it. */
  untold(pollIntervalMs: number): void {
    const queue = this.#queue
    this.#logger.warn(
      { queue, pollIntervalMs },
      `no wake-up told of a job in queue "${queue}": whoever sends it does not broadcast, or the queue has no trigger; it is polled as without wake-ups`,
    )
  }

  warn(thrown: unknown, what: string): void {
    const { code, message } = summarizeError(thrown)
    this.#logger.warn({ queue: this.#queue, code }, `${what}: ${message}`)
  }
}
