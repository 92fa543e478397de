import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { canary } from './database.ts'
import { watchProcessList } from './process-list.ts'

/** The built program. */
export const bin: string = fileURLToPath(new URL('../../../packages/cli/dist/bin.js', import.meta.url))

export interface Run {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** Whoever writes to stdin may go on: it is not closed after that. */
  readonly stdinStaysOpen?: boolean
  /** @default the one built for the run */
  readonly program?: string
  /** In a terminal of its own: stdin is what is typed, and stays open. */
  readonly terminal?: boolean
  /** @default the user of the test run */
  readonly user?: { readonly uid: number; readonly gid: number }
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcess
  readonly output: () => string
  /** Resolves when the pattern is in the output; rejects when the process ends without it. */
  saw(pattern: RegExp): Promise<RegExpExecArray>
  ended(): Promise<Ended>
  /** The command lines of it and of all that it has started so far. */
  processes(): readonly string[]
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'aimq-commands-')))
  // Run as root, the embedded PostgreSQL runs as somebody else, who has to get here.
  await chmod(folder, 0o755)
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

/** `aimq` as a process of its own, with no more environment than it is given. Killed when the test is over. */
export async function start(
  args: readonly string[],
  { cwd, env = {}, stdin, stdinStaysOpen = false, program = bin, terminal = false, user }: Run = {},
): Promise<Started> {
  const words = [process.execPath, '--conditions=@aimq/source', '--', program, ...args]
  const [command = '', ...rest] = terminal ? inTerminal(words) : words
  const child = spawn(command, rest, {
    cwd: cwd ?? (await temporaryFolder()),
    env: { PATH: process.env.PATH ?? '', NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...user,
  })
  // Who cannot read it any more has ended.
  child.stdin.on('error', () => {})
  if (!terminal && !stdinStaysOpen) child.stdin.end(stdin ?? '')
  else if (stdin !== undefined) child.stdin.write(stdin)
  const processes = watchProcessList(child.pid ?? 0)
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
      child.emit('said')
    })
  }
  const closed = once(child, 'close').finally(() => processes.stop())
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await closed
    expectNoSecret(processes.seen())
  })
  const output = () => said.stdout + said.stderr
  return {
    child,
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
      // Whatever it was: no secret, and no stack.
      expect(output()).not.toContain(canary)
      expectNoSecret(processes.seen())
      expect(output()).not.toMatch(/^\s+at .*:\d+:\d+/m)
      return { code: child.exitCode, ...said }
    },
    processes: processes.seen,
  }
}

/** Every process of the machine can read these. */
export function expectNoSecret(commandLines: readonly string[]): void {
  expect(commandLines.filter((line) => line.includes(canary))).toEqual([])
}

/** Runs it to its end. */
export async function aimq(args: readonly string[], run?: Run): Promise<Ended> {
  return (await start(args, run)).ended()
}

/** Runs it with `--json`, and reads what it prints. */
export async function aimqJson(args: readonly string[], run?: Run): Promise<unknown> {
  const { code, stdout, stderr } = await aimq([...args, '--json'], run)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

/** By `script`, which every Linux and macOS has, in two ways. */
function inTerminal(words: readonly string[]): string[] {
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  // A terminal that nobody looks at has no size.
  const command = `stty cols 120 rows 30; exec ${quoted}`
  return process.platform === 'darwin'
    ? ['script', '-q', '/dev/null', 'sh', '-c', command]
    : ['script', '-qefc', command, '/dev/null']
}
