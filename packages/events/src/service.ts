import { EventsError, eventsErrorCodes } from './errors.ts'

/** Something that runs between `start` and `stop`. */
export interface Service extends AsyncDisposable {
  readonly name: string
  /** Resolves when ready. Idempotent; concurrent callers share one start; a failed start undoes itself. */
  start(options?: { signal?: AbortSignal }): Promise<void>
  /**
   * Resolves when nothing is left behind. Tolerates never started and called twice. Work in hand may finish until
   * `signal` aborts (or the service's own grace period is over); then it is handed back.
   */
  stop(options?: { signal?: AbortSignal }): Promise<void>
}

export interface ServiceHooks {
  readonly name: string
  /** `signal` aborts when the start is no longer wanted. */
  start(signal: AbortSignal): Promise<void>
  /** Must tolerate a start that got only half-way. `signal` aborts when waiting for work in hand is over. */
  stop(signal: AbortSignal): Promise<void>
}

/**
 * Lifecycle, solved once. A service is idle, starting, running or stopping; callers of the same direction share one
 * promise, callers of the other wait for it (a stop also aborts a start under way).
 */
export function createService(hooks: ServiceHooks): Service {
  let starting: { done: Promise<void>; abort: AbortController } | undefined
  let stopping: { done: Promise<void>; abort: AbortController } | undefined
  let running = false

  async function runStart(signal: AbortSignal): Promise<void> {
    try {
      signal.throwIfAborted()
      await hooks.start(signal)
      signal.throwIfAborted()
      running = true
    } catch (cause) {
      await hooks.stop(AbortSignal.abort()).catch(() => {})
      if (!signal.aborted) throw cause
      throw new EventsError(
        eventsErrorCodes.startAborted,
        `${hooks.name} was stopped while it was starting`,
        { cause },
      )
    }
  }

  async function start(options: { signal?: AbortSignal } = {}): Promise<void> {
    if (stopping !== undefined) await stopping.done.catch(() => {})
    if (running) return
    if (starting === undefined) {
      const abort = new AbortController()
      const done = runStart(abort.signal).finally(() => {
        starting = undefined
      })
      starting = { done, abort }
    }
    const { done, abort } = starting
    using _ = follow(options.signal, abort)
    await done
  }

  async function stop(options: { signal?: AbortSignal } = {}): Promise<void> {
    if (starting !== undefined) {
      starting.abort.abort()
      await starting.done.catch(() => {})
    }
    if (stopping === undefined) {
      if (!running) return
      const abort = new AbortController()
      const done = hooks.stop(abort.signal).finally(() => {
        running = false
        stopping = undefined
      })
      stopping = { done, abort }
    }
    const { done, abort } = stopping
    using _ = follow(options.signal, abort)
    await done
  }

  return { name: hooks.name, start, stop, [Symbol.asyncDispose]: () => stop() }
}

/** Makes `target` abort when `source` does, until disposed. */
function follow(source: AbortSignal | undefined, target: AbortController): Disposable {
  const abort = () => target.abort(source?.reason)
  if (source?.aborted) abort()
  source?.addEventListener('abort', abort, { once: true })
  return { [Symbol.dispose]: () => source?.removeEventListener('abort', abort) }
}
