import { exitCode } from './exit-code.ts'

/**
 * One press of Ctrl-C can arrive twice: from the terminal, which tells every process in the foreground, and passed on
 * by the package manager that started us. Nobody presses it twice this fast.
 */
const sameKeyPressMs = 25

export interface Interrupts {
  readonly signal: AbortSignal
  /** Which signal came first, if one did. */
  by(): StopSignal | undefined
  /** Stdout's reader has gone: there is nobody to work for. */
  abort(closed: Error): void
  readonly closed: Error | undefined
}

/** What asks to stop; SIGHUP is a terminal that was closed. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** The first signal aborts what is under way; the second one ends the process. */
export function watchInterrupts(): Interrupts {
  const controller = new AbortController()
  let by: StopSignal | undefined
  let closed: Error | undefined
  let lastAt = Number.NEGATIVE_INFINITY
  const onSignal = (name: StopSignal) => {
    const now = performance.now()
    const repeated = now - lastAt < sameKeyPressMs
    lastAt = now
    if (repeated) return
    if (by !== undefined) process.exit(name === 'SIGINT' ? exitCode.interrupted : exitCode.terminated)
    by = name
    controller.abort()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal)
  return {
    signal: controller.signal,
    by: () => by,
    abort(error) {
      closed = error
      controller.abort(error)
    },
    get closed() {
      return closed
    },
  }
}
