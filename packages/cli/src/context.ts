import type { StopSignal } from './interrupts.ts'
import type { Output } from './output.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** All that a command is given besides its arguments. */
export interface Context {
  readonly cwd: string
  /** The environment, and behind it what the env file says. */
  readonly env: Environment
  /** Where a variable came from, for messages: `DATABASE_URL (.env)`. */
  originOf(name: string): string
  readonly output: Output
  /** Aborts at Ctrl-C, SIGTERM or SIGHUP. The second one ends the process. */
  readonly signal: AbortSignal
  /** What to exit with when a command ends because of `signal`. */
  readonly interruptedBy: () => StopSignal | undefined
  readonly database: DatabaseOptions
  /** How to start this program, as a person would type it: `aimq`, `npx aimq`. */
  readonly program: string
}

/** Which database is meant. */
export interface DatabaseOptions {
  /** The variable that holds the connection string. */
  readonly variable: string
  /** The variable was named by hand, so it has to be set. */
  readonly variableAsked: boolean
  /** Folder of the embedded database, absolute. */
  readonly dataDir: string
}
