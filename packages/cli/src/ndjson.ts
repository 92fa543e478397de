import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { CliError } from './cli-error.ts'
import { exitCode } from './exit-code.ts'
import { parseJson } from './parse-json.ts'
import { unreadable } from './unreadable.ts'

/** One line that holds a message, or why it does not. Empty lines are none. */
export interface Line {
  /** From 1. */
  readonly number: number
  readonly text: string
  /** How far into the file it reaches, in bytes: for progress. */
  readonly end: number
  readonly payload?: unknown
  readonly fault?: string
}

/** Opens the file, or stdin for `-`. Its size is 0 where it has none. */
export async function openLines(path: string): Promise<{ stream: Readable; size: number }> {
  if (path === '-') {
    if (process.stdin.isTTY)
      throw new CliError('"--file -" reads from stdin, which is a terminal; pipe it in')
    return { stream: process.stdin, size: 0 }
  }
  try {
    const file = await open(path, 'r')
    const stats = await file.stat()
    if (stats.isDirectory()) {
      await file.close()
      throw Object.assign(new Error(), { code: 'EISDIR' })
    }
    await file.close()
    return { stream: createReadStream(path), size: stats.isFile() ? stats.size : 0 }
  } catch (thrown) {
    const { code = '' } = thrown as NodeJS.ErrnoException
    throw new CliError(`${path}: ${unreadable[code] ?? `cannot be read (${code})`}`, exitCode.input, {
      cause: thrown,
    })
  }
}

/** Lines as they come; a file of any size fits. They end early when `signal` aborts, also while none comes. */
export async function* readLines(
  stream: Readable,
  fromLine: number,
  signal: AbortSignal,
): AsyncGenerator<Line> {
  let number = 0
  let end = 0
  if (signal.aborted) return
  // A byte order mark is no JSON.
  for await (const raw of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY, signal })) {
    // Of what has been read already there may be thousands.
    if (signal.aborted) return
    number += 1
    const text = number === 1 ? raw.replace(/^\uFEFF/, '') : raw
    end += Buffer.byteLength(raw) + 1
    if (number < fromLine || text.trim() === '') continue
    const { value, fault } = parseJson(text)
    yield fault === undefined ? { number, text, end, payload: value } : { number, text, end, fault }
  }
}
