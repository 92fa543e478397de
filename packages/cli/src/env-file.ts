import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { unreadable } from './unreadable.ts'

export interface EnvFile {
  readonly values: Readonly<Record<string, string>>
  readonly faults: readonly string[]
  readonly warnings: readonly string[]
}

/** Settings are a few lines; what is larger is another file, or a device that never ends. */
const maxBytes = 1024 * 1024

/**
 * Reads `NAME=value` lines. A file nobody asked for may be missing. Never repeats what is in it: it holds secrets.
 * `path` starts at `cwd`, and is repeated as it was given.
 */
export function readEnvFile(path: string, cwd: string, asked: boolean): EnvFile {
  let bytes: Buffer
  let mode: number
  try {
    const file = readAtMost(resolve(cwd, path), maxBytes + 1)
    bytes = file.bytes
    mode = file.mode
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ENOENT' && !asked) return { values: {}, faults: [], warnings: [] }
    return {
      values: {},
      faults: [`${path}: ${unreadable[code ?? ''] ?? `cannot be read (${code})`}`],
      warnings: [],
    }
  }
  if (bytes.length > maxBytes) {
    return {
      values: {},
      faults: [`${path}: expected lines of NAME=value, got more than ${maxBytes} bytes`],
      warnings: [],
    }
  }
  const text = bytes.toString('utf8')
  if (text.includes('\0') || text.includes('\uFFFD')) {
    return {
      values: {},
      faults: [`${path}: expected lines of NAME=value, got a file that is not text`],
      warnings: [],
    }
  }
  const values = parseEnv(text.replace(/^\uFEFF/, '')) as Record<string, string>
  const shared = process.platform !== 'win32' && (mode & 0o044) !== 0
  return {
    values,
    faults: strayLines(text, values).map((line) => `${path}:${line}: expected NAME=value`),
    warnings: shared ? [`${path} can be read by other users of this machine; chmod 600 ${path}`] : [],
  }
}

/** In pieces: a pipe gives what it has, and a device has no size. */
function readAtMost(path: string, limit: number): { bytes: Buffer; mode: number } {
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(limit)
    let length = 0
    for (;;) {
      const read = readSync(file, buffer, length, limit - length, null)
      length += read
      if (read === 0 || length === limit)
        return { bytes: buffer.subarray(0, length), mode: fstatSync(file).mode }
    }
  } finally {
    closeSync(file)
  }
}

/** Numbers of lines that would silently be skipped. Not told where a value spans lines: any line could be part of it. */
function strayLines(text: string, values: Readonly<Record<string, string>>): number[] {
  if (Object.values(values).some((value) => value.includes('\n'))) return []
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line, index) => (/^\s*(#.*)?$|^\s*(export\s+)?[\w.-]+\s*=/.test(line) ? [] : [index + 1]))
}
