import { writeSync } from 'node:fs'
import { type ExitCode, exitCode } from './exit-code.ts'

let decided = false

/** The only way out: what ends the process otherwise is found out by {@link watchForForeignExit}. */
export function exit(code: ExitCode): never {
  decided = true
  process.exit(code)
}

/** A process.exit() in a handler or a library would end the worker without a word, and as a success. */
export function watchForForeignExit(name: string): void {
  process.on('exit', () => {
    if (decided) return
    process.exitCode = exitCode.failed
    // At once: nothing is written any more after this.
    writeSync(
      2,
      `${name}: a handler or a library called process.exit(), which ended the worker; throw an error instead. Jobs in hand are worked again when their leases expire\n`,
    )
  })
}
