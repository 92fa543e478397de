import { exitCode as all } from '../exit-code.ts'

/** What a worker says to whoever started it: those of the command line that can come up. */
export const exitCode = {
  /** Done: drained, or stopped on request with every unfinished job handed back. */
  ok: all.ok,
  /** An error nobody handled, or stdout closed. Jobs in hand were handed back. */
  failed: all.failed,
  /** Flags, variables, `.env` or handlers are not usable. Nothing was started. */
  usage: all.usage,
  /** The database cannot be reached. Trying again later may help. */
  unavailable: all.unavailable,
  /** The database was reached and is not set up: wrong password, wrong name, pgmq or a grant missing; or a package is not installed. */
  configuration: all.configuration,
  /** Told to stop twice, or while draining. */
  interrupted: all.interrupted,
  terminated: all.terminated,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]
