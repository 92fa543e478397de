import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A program of this folder, running. Killed when disposed. */
export interface ChildProgram extends AsyncDisposable {
  readonly pid: number
  /** False: it ended instead of becoming ready. */
  readonly ready: boolean
  /** Exit code and signal, as node tells them. */
  readonly exited: Promise<readonly [number | null, NodeJS.Signals | null]>
  /** What it has logged so far. */
  stderr(): string
  kill(signal: NodeJS.Signals): void
  /** The next message from it that has this key, and what it holds. */
  told(key: string): Promise<unknown>
  ask(message: object): void
}

/** Starts `program` with `settings`; resolves when it says that it is ready, or has ended. */
export async function startProgram(program: string, settings: object): Promise<ChildProgram> {
  const child: ChildProcess = fork(join(import.meta.dirname, program), {
    // Young objects get up to 128 MB where the machine has room, and what is resident would tell of that alone.
    execArgv: ['--conditions=@aimq/source', '--expose-gc', '--max-semi-space-size=4'],
    env: { PATH: process.env.PATH, SETTINGS: JSON.stringify(settings) },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  let stderr = ''
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  const ready = await Promise.race([once(child, 'message').then(() => true), exited.then(() => false)])
  return {
    pid: child.pid ?? 0,
    ready,
    exited,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
    told: (key) =>
      new Promise((resolve, reject) => {
        const listener = (message: Record<string, unknown>) => {
          if (!(key in message)) return
          child.off('message', listener)
          resolve(message[key])
        }
        child.on('message', listener)
        exited.then(() => reject(new Error(`the program ended before it told ${key}: ${stderr}`)))
      }),
    ask: (message) => void child.send(message, () => {}),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** The settings that {@link startProgram} gave, for the program itself. */
export function givenSettings<Settings>(): Settings {
  return JSON.parse(process.env.SETTINGS ?? '{}') as Settings
}
