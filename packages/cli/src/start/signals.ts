import type { StopSignal } from '../interrupts.ts'
import { exit } from './exit.ts'
import { type ExitCode, exitCode } from './exit-code.ts'

export type StopCause =
  | { readonly kind: 'signal'; readonly name: StopSignal }
  /** An error nobody handled, or stdout closed. */
  | { readonly kind: 'failure'; readonly error: unknown }

export interface StopWatch extends Disposable {
  /** Aborts at the first reason to stop: no more jobs, those in hand may finish. */
  readonly requested: AbortSignal
  /** Aborts at the second signal: hand everything back now. */
  readonly urged: AbortSignal
  readonly cause: StopCause | undefined
  /** What to exit with, once stopped. Undefined while nobody asked. */
  readonly exitCode: ExitCode | undefined
  fail(error: unknown): void
}

/**
 * One press of Ctrl-C can arrive twice: from the terminal, which tells every process in the foreground, and passed on
 * by the package manager that started us. Nobody presses it twice this fast.
 */
const sameKeyPressMs = 25

const codes = {
  SIGINT: exitCode.interrupted,
  SIGTERM: exitCode.terminated,
  SIGHUP: exitCode.terminated,
} as const

/** First signal: stop gracefully. Second: hand back now. Third: exit at once. Works from the first line of `main.ts` on. */
export function watchForStop(onFailure: (error: unknown) => void): StopWatch {
  const requested = new AbortController()
  const urged = new AbortController()
  let cause: StopCause | undefined
  let code: ExitCode | undefined
  let signals = 0
  let lastSignalAt = Number.NEGATIVE_INFINITY

  function onSignal(name: StopSignal): void {
    const now = performance.now()
    const repeated = now - lastSignalAt < sameKeyPressMs
    lastSignalAt = now
    if (repeated) return
    signals += 1
    if (signals >= 3) exit(codes[name])
    if (signals === 1) {
      cause ??= { kind: 'signal', name }
      code ??= exitCode.ok
      requested.abort()
    } else {
      code = codes[name]
      urged.abort()
    }
  }

  function fail(error: unknown): void {
    onFailure(error)
    cause ??= { kind: 'failure', error }
    // Only the first failure counts as one; a signal that came before it does not make it a success.
    if (code === undefined || code === exitCode.ok) code = exitCode.failed
    requested.abort()
  }

  process.on('SIGTERM', onSignal).on('SIGINT', onSignal).on('SIGHUP', onSignal)
  process.on('uncaughtException', fail).on('unhandledRejection', fail)
  return {
    requested: requested.signal,
    urged: urged.signal,
    get cause() {
      return cause
    },
    get exitCode() {
      return code
    },
    fail,
    [Symbol.dispose]() {
      process.off('SIGTERM', onSignal).off('SIGINT', onSignal).off('SIGHUP', onSignal)
      process.off('uncaughtException', fail).off('unhandledRejection', fail)
    },
  }
}
