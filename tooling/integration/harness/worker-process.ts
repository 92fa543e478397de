import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface WorkerProcessOptions {
  readonly url: string
  readonly queue: string
  readonly ledger: string
  readonly leaseMs?: number
  readonly jobMs?: number
  readonly concurrency?: number
  /** The handler blocks the event loop so long, and then throws. */
  readonly blockMs?: number
  /** `after-done`: kills itself once a handler has ended, before that can be settled. */
  readonly die?: 'after-done'
}

export interface WorkerProcess extends AsyncDisposable {
  readonly pid: number
  readonly exited: Promise<unknown>
  /** What it has logged so far. */
  stderr(): string
  kill(signal: NodeJS.Signals): void
}

/** A real worker in a real process; resolves when it works. Killed when disposed. */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const { url, queue, ledger, leaseMs = 2000, jobMs = 0, concurrency = 10, blockMs = 0, die = '' } = options
  const child: ChildProcess = fork(join(import.meta.dirname, 'worker-program.ts'), {
    execArgv: ['--conditions=@aimq/source'],
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: url,
      QUEUE: queue,
      LEDGER: ledger,
      LEASE_MS: String(leaseMs),
      JOB_MS: String(jobMs),
      CONCURRENCY: String(concurrency),
      BLOCK_MS: String(blockMs),
      DIE: die,
    },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  const exited = once(child, 'exit')
  let stderr = ''
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  await Promise.race([once(child, 'message'), exited])
  return {
    pid: child.pid ?? 0,
    exited,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Polls until `condition` holds; for what no event tells, such as the lines of another process's file. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 40_000,
): Promise<void> {
  const until = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`expected within ${limitMs} ms: ${what}`)
    await sleep(20)
  }
}
