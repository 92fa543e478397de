import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { rssMbOf } from '../machine/memory.ts'
import type { ProcessOptions } from './subject-process.ts'

const program = join(import.meta.dirname, '../../../apps/worker/src/main.ts')
const handlers = join(import.meta.dirname, 'handlers')

/** `apps/worker` with a handler that does nothing, and all else as it is by default. */
export class AppProcess implements AsyncDisposable {
  readonly #child: ChildProcess

  constructor(databaseUrl: string, { limit, flags = [] }: ProcessOptions) {
    const { execPath, execArgv } = limit?.around(process.execPath) ?? {
      execPath: process.execPath,
      execArgv: [],
    }
    this.#child = spawn(execPath, [...execArgv, ...flags, program, '--handlers', handlers], {
      env: { ...process.env, DATABASE_URL: databaseUrl },
      // A line per job.
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }

  rssMb(): number {
    const { pid, exitCode, signalCode } = this.#child
    const ended = exitCode ?? signalCode
    if (pid === undefined || ended !== null) throw new Error(`the worker app has ended (${ended})`)
    return rssMbOf(pid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.kill()
    await exit
  }
}
