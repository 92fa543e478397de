import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { importCheckFile } from '../import-check-file.ts'

/** Why a file cannot even be imported, by file. */
export type ImportFaults = ReadonlyMap<string, string>

export interface ImportCheck {
  /** How long one file may take. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** Where to leave what was compiled. */
  readonly compileCache: string | undefined
}

/**
 * Imports the files in another process first: one that never ends, or that ends its process, would take the worker
 * along, and no signal would get through. What throws is no fault here; it is told when the worker imports it itself.
 */
export async function checkImports(files: readonly string[], options: ImportCheck): Promise<ImportFaults> {
  const faults = new Map<string, string>()
  // One process for all, and another for those behind each that it did not survive.
  for (let rest = files; rest.length > 0; ) {
    const { loaded, fault } = await importInTurn(rest, options)
    const [culprit] = rest.slice(loaded)
    if (culprit !== undefined) faults.set(culprit, fault)
    rest = rest.slice(loaded + 1)
  }
  return faults
}

/** How many were loaded, and what was wrong with the one behind them. */
async function importInTurn(
  files: readonly string[],
  { timeoutMs, signal, compileCache }: ImportCheck,
): Promise<{ loaded: number; fault: string }> {
  signal?.throwIfAborted()
  const child = startProgram(files, compileCache)
  const kill = () => child.kill('SIGKILL')
  signal?.addEventListener('abort', kill, { once: true })
  let loaded = 0
  let overdue = false
  const timer = setTimeout(() => {
    overdue = true
    kill()
  }, timeoutMs)
  for await (const line of createInterface({ input: child.stdio[3] as Readable })) {
    loaded = Number(line)
    timer.refresh()
    if (loaded === files.length) kill()
  }
  clearTimeout(timer)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  signal?.removeEventListener('abort', kill)
  signal?.throwIfAborted()
  const fault = overdue
    ? `is not loaded after ${timeoutMs / 1000} s; is there an endless loop or await outside of the handler?`
    : `ends its process while it is loaded (${ending(child)}); a handler file must not call process.exit()`
  return { loaded, fault }
}

function startProgram(files: readonly string[], compileCache: string | undefined): ChildProcess {
  const urls = files.map((file) => pathToFileURL(file).href)
  // A debugger is for the worker, and its port is taken.
  const flags = process.execArgv.filter((flag) => !flag.startsWith('--inspect'))
  // What files say while they are loaded, they say again in the worker.
  return spawn(process.execPath, [...flags, importCheckFile, compileCache ?? '', ...urls], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
}

const ending = ({ exitCode, signalCode }: ChildProcess): string =>
  signalCode === null ? `exit code ${exitCode}` : signalCode
