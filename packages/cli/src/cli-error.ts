import { type ExitCode, exitCode } from './exit-code.ts'

/** What a person can mend: one message, and what to exit with. */
export class CliError extends Error {
  readonly exitCode: ExitCode

  constructor(message: string, code: ExitCode = exitCode.usage, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CliError'
    this.exitCode = code
  }
}
