import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { nodeWithin } from '../machine/memory-limit.ts'
import { rssMbOf } from '../machine/rss.ts'
import type { ProcessOptions } from './subject-process.ts'

const program = join(import.meta.dirname, '../../../apps/worker/dist/main.js')
const handlers = join(import.meta.dirname, 'handlers')

/** `apps/worker` with a handler that does nothing, and all else as it is by default, whatever is set here. */
export class AppProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #kill = (): void => void this.#child.kill('SIGKILL')

  constructor(databaseUrl: string, { limit, flags = [] }: ProcessOptions) {
    const { execPath, execArgv } = nodeWithin(limit)
    this.#child = spawn(execPath, [...execArgv, ...flags, program, '--handlers', handlers], {
      env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl },
      // Where there is no .env.
      cwd: handlers,
      // A line per job.
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    process.once('exit', this.#kill)
  }

  rssMb(): number {
    const { pid, exitCode, signalCode } = this.#child
    const ended = exitCode ?? signalCode
    if (pid === undefined || ended !== null) throw new Error(`the worker app has ended (${ended})`)
    return rssMbOf(pid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#kill)
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.kill()
    const timer = setTimeout(this.#kill, 15_000)
    await exit
    clearTimeout(timer)
  }
}
