import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from '@aimq/events'

/** A row of `realtime.messages`. */
export interface MessageRow {
  readonly id: string
  readonly topic: string | undefined
  readonly extension: string | undefined
  readonly event: string | undefined
  readonly private: boolean
  /** JSON text. */
  readonly payload: string | undefined
  readonly binaryPayload: Buffer | undefined
}

export interface Stream {
  close(): Promise<void>
}

export type OpenStream = (
  onRow: (row: MessageRow) => void,
  onEnd: (cause: unknown) => void,
  /** Aborted when nobody wants the stream any more, perhaps while it is being opened. */
  signal: AbortSignal,
) => Promise<Stream>

const firstRetryMs = 100
const lastRetryMs = 5000

/**
 * Keeps a stream of rows open: a stream that ends is opened again, later and later while that fails. What is committed
 * while it is down is never delivered, as with Supabase.
 */
export class Backing {
  #live = false
  #wanted: AbortController | undefined
  #run: Promise<void> = Promise.resolve()
  #waiters = new Set<() => void>()
  readonly #open: OpenStream
  readonly #onRow: (row: MessageRow) => void
  readonly #logger: Logger

  constructor(open: OpenStream, onRow: (row: MessageRow) => void, logger: Logger) {
    this.#open = open
    this.#onRow = onRow
    this.#logger = logger
  }

  get live(): boolean {
    return this.#live
  }

  /** Resolves when rows flow for the first time; rejects when they cannot. */
  async start(): Promise<void> {
    if (this.#wanted !== undefined) return await this.whenLive()
    const wanted = new AbortController()
    this.#wanted = wanted
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#run = this.#keepOpen(wanted.signal, resolve, reject)
    await promise
  }

  async stop(): Promise<void> {
    this.#wanted?.abort()
    this.#wanted = undefined
    await this.#run
  }

  /** Resolves when rows flow, at once if they do. */
  whenLive(signal?: AbortSignal): Promise<void> {
    if (this.#live) return Promise.resolve()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const done = () => {
      this.#waiters.delete(done)
      signal?.removeEventListener('abort', abort)
      resolve()
    }
    const abort = () => {
      this.#waiters.delete(done)
      reject(signal?.reason)
    }
    this.#waiters.add(done)
    signal?.addEventListener('abort', abort, { once: true })
    return promise
  }

  async #keepOpen(
    signal: AbortSignal,
    onLive: () => void,
    onFirstFault: (cause: unknown) => void,
  ): Promise<void> {
    let wasLive = false
    let retryMs = firstRetryMs
    while (!signal.aborted) {
      const ended = Promise.withResolvers<unknown>()
      try {
        const stream = await this.#open(this.#onRow, ended.resolve, signal)
        wasLive = true
        retryMs = firstRetryMs
        this.#setLive(true)
        onLive()
        const stopped = () => ended.resolve('stopped')
        signal.addEventListener('abort', stopped, { once: true })
        if (signal.aborted) stopped()
        const cause = await ended.promise
        signal.removeEventListener('abort', stopped)
        this.#setLive(false)
        await stream.close()
        if (!signal.aborted)
          this.#logger.warn({ cause: String(cause) }, 'broadcasts from the database stopped')
      } catch (thrown) {
        if (!wasLive) {
          this.#wanted = undefined
          onFirstFault(thrown)
          return
        }
        this.#logger.warn({ cause: String(thrown), retryMs }, 'broadcasts from the database are still down')
      }
      await pause(retryMs, undefined, { signal, ref: false }).catch(() => {})
      retryMs = Math.min(retryMs * 2, lastRetryMs)
    }
  }

  #setLive(live: boolean): void {
    this.#live = live
    if (live) for (const done of [...this.#waiters]) done()
  }
}
