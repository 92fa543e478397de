/** What the process says to whoever started it: sysexits(3) where there is a number for it. */
export const exitCode = {
  /** Done: drained, or stopped on request with every unfinished job handed back. */
  ok: 0,
  /** An error nobody handled, or stdout closed. Jobs in hand were handed back. */
  failed: 1,
  /** Flags, variables, `.env` or handlers are not usable. Nothing was started. */
  usage: 2,
  /** The database cannot be reached. Trying again later may help. */
  unavailable: 69,
  /** The database was reached and is not set up: wrong password, wrong name, pgmq or a grant missing. */
  configuration: 78,
  /** Told to stop twice, or while draining. */
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]
