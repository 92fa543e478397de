import { readFileSync, statSync } from 'node:fs'
import { parseEnv } from 'node:util'

export interface EnvFile {
  readonly values: Readonly<Record<string, string>>
  readonly faults: readonly string[]
  readonly warnings: readonly string[]
}

/** Reads `NAME=value` lines. A file nobody asked for may be missing. Never repeats what is in it: it holds secrets. */
export function readEnvFile(path: string, asked: boolean): EnvFile {
  let bytes: Buffer
  let mode: number
  try {
    bytes = readFileSync(path)
    mode = statSync(path).mode
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ENOENT' && !asked) return { values: {}, faults: [], warnings: [] }
    return {
      values: {},
      faults: [`${path}: ${reasons[code ?? ''] ?? `cannot be read (${code})`}`],
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

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a folder, expected a file',
}

/** Numbers of lines that would silently be skipped. Not told where a value spans lines: any line could be part of it. */
function strayLines(text: string, values: Readonly<Record<string, string>>): number[] {
  if (Object.values(values).some((value) => value.includes('\n'))) return []
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line, index) => (/^\s*(#.*)?$|^\s*(export\s+)?[\w.-]+\s*=/.test(line) ? [] : [index + 1]))
}
