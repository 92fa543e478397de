/**
 * The command line as a function: what the program `aimq` runs.
 *
 * ```ts
 * import { main } from '@aimq/cli'
 *
 * await main(['list', '--json'])
 * ```
 *
 * @module
 */
export { type ExitCode, exitCode } from './exit-code.ts'
export { main } from './main.ts'
