/** What `aimq` says to whoever started it: sysexits(3) where there is a number for it. */
export const exitCode = {
  /** Done; or stopped on request, with nothing left in hand. */
  ok: 0,
  /** An error that nobody foresaw, or stdout was closed by its reader. */
  failed: 1,
  /** Arguments, flags, variables, an env file or handlers are not usable; or `--yes` is missing. Nothing was done. */
  usage: 2,
  /** It ran, and found something: `doctor` a fault, `triggers plan --exit-code` a change, `send` lines to leave out. */
  findings: 3,
  /** What was to be sent is not JSON. */
  data: 65,
  /** A file to read is not there, or may not be read. */
  input: 66,
  /** The database cannot be reached. Trying again later may help. */
  unavailable: 69,
  /** The database is not set up (login, database, pgmq, a grant, a queue), or a package is not installed. */
  configuration: 78,
  /** Ctrl-C; and told to stop twice, or while draining. */
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]
