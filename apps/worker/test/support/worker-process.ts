import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface WorkerProcess {
  readonly child: ChildProcess
  /** Everything said so far, stdout and stderr. */
  readonly stdout: () => string
  readonly stderr: () => string
  readonly output: () => string
  /** Resolves when the pattern is in the output; rejects when the process ends without it. */
  saw(pattern: RegExp): Promise<RegExpExecArray>
  /** How it ended. */
  ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

export interface WorkerProcessOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd: string
}

/** The app as its own process, with no more environment than it is given. Killed when the test is over. */
export function startWorker({ args = [], env = {}, cwd }: WorkerProcessOptions): WorkerProcess {
  const child = spawn(process.execPath, ['--conditions=@aimq/source', main, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
      child.emit('said')
    })
  }
  const closed = once(child, 'close')
  const output = () => said.stdout + said.stderr
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await closed
  })
  return {
    child,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    output,
    async saw(pattern) {
      for (;;) {
        const match = pattern.exec(output())
        if (match !== null) return match
        const ended = await Promise.race([once(child, 'said').then(() => false), closed.then(() => true)])
        if (ended && !pattern.test(output())) throw new Error(`ended without ${pattern}:\n${output()}`)
      }
    },
    async ended() {
      await closed
      return { code: child.exitCode, signal: child.signalCode }
    },
  }
}

/** Runs it to its end. */
export async function runWorker(options: WorkerProcessOptions) {
  const worker = startWorker(options)
  const { code } = await worker.ended()
  return { code, stdout: worker.stdout(), stderr: worker.stderr(), output: worker.output() }
}
