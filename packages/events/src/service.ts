import { EventsError, eventsErrorCodes } from './errors.ts'

/** Something that runs between `start` and `stop`. */
export interface Service extends AsyncDisposable {
  readonly name: string
  /** Resolves when ready. Idempotent; concurrent callers share one start; a failed start undoes itself. */
  start(options?: { signal?: AbortSignal }): Promise<void>
  /**
   * Finishes or hands back work in hand while everything else on the bus is still up; `stop` does so too, if this was
   * not called. Work may finish until `signal` aborts, or the service's own grace period is over.
   */
  beforeStop(options?: { signal?: AbortSignal }): Promise<void>
  /** Resolves when nothing is left behind. Tolerates never started and called twice. */
  stop(options?: { signal?: AbortSignal }): Promise<void>
}

export interface ServiceHooks {
  readonly name: string
  /** `signal` aborts when the start is no longer wanted. */
  start(signal: AbortSignal): Promise<void>
  /** For services that have work in hand. `signal` aborts when waiting for it is over. */
  beforeStop?(signal: AbortSignal): Promise<void>
  /** Must tolerate a start that got only half-way. */
  stop(signal: AbortSignal): Promise<void>
}

/**
 * Lifecycle, solved once. A service is idle, starting, running or stopping; callers of the same direction share one
 * promise, callers of the other wait for it (a stop also aborts a start under way).
 */
export function createService(hooks: ServiceHooks): Service {
  let starting: { done: Promise<void>; abort: AbortController } | undefined
  let stopping: { done: Promise<void>; abort: AbortController } | undefined
  let finishing: { done: Promise<void>; abort: AbortController } | undefined
  let running = false

  async function runStart(signal: AbortSignal): Promise<void> {
    try {
      signal.throwIfAborted()
      await hooks.start(signal)
      signal.throwIfAborted()
      running = true
    } catch (cause) {
      await hooks.beforeStop?.(AbortSignal.abort()).catch(() => {})
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
      const done = runStop(abort.signal).finally(() => {
        running = false
        stopping = undefined
      })
      stopping = { done, abort }
    }
    const { done, abort } = stopping
    using _ = follow(options.signal, abort)
    await done
  }

  async function runStop(signal: AbortSignal): Promise<void> {
    try {
      await beforeStop({ signal })
    } finally {
      finishing = undefined
      await hooks.stop(signal)
    }
  }

  async function beforeStop(options: { signal?: AbortSignal } = {}): Promise<void> {
    if (!running || hooks.beforeStop === undefined) return
    if (finishing === undefined) {
      const abort = new AbortController()
      finishing = { done: hooks.beforeStop(abort.signal), abort }
    }
    const { done, abort } = finishing
    using _ = follow(options.signal, abort)
    await done
  }

  return { name: hooks.name, start, beforeStop, stop, [Symbol.asyncDispose]: () => stop() }
}

/** Makes `target` abort when `source` does, until disposed. */
function follow(source: AbortSignal | undefined, target: AbortController): Disposable {
  const abort = () => target.abort(source?.reason)
  if (source?.aborted) abort()
  source?.addEventListener('abort', abort, { once: true })
  return { [Symbol.dispose]: () => source?.removeEventListener('abort', abort) }
}
