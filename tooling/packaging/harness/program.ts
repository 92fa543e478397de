import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { userEnvironment } from './run.ts'

/** A program of a user that runs on while the test does something to it. */
export interface Program extends AsyncDisposable {
  /** Resolves when it has printed this line; fails when it ends before, with all it printed. */
  printed(line: string): Promise<void>
  /** Resolves with all it printed when it ends by itself; fails when it fails. */
  ended(): Promise<string>
  kill(signal: NodeJS.Signals): void
}

export function startProgram(
  folder: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Program {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...userEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const closed = once(child, 'close') as Promise<[number | null]>
  child.stdout.on('data', (chunk) => {
    stdout += chunk
    child.emit('printed')
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  return {
    async printed(line) {
      while (!stdout.split('\n').includes(line)) {
        const more = await Promise.race([once(child, 'printed'), closed.then(() => undefined)])
        if (!more) throw new Error(`expected the line «${line}», and it ended with\n${stdout}\n${stderr}`)
      }
    },
    async ended() {
      const [code] = await closed
      if (code !== 0) throw new Error(`ended with ${code}\n${stdout}\n${stderr}`)
      return stdout
    },
    kill: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await closed
    },
  }
}
