import { spawn } from 'node:child_process'
import { EmbeddedError, embeddedErrorCodes, systemCode } from './errors.ts'
import type { SystemUser } from './system-user.ts'

export interface ProgramResult {
  readonly exitCode: number | null
  /** Standard output and standard error, as they came. */
  readonly output: string
}

/** Runs one of PostgreSQL's programs to its end. Abort terminates it, and is then thrown. */
export async function runProgram(
  path: string,
  args: readonly string[],
  options: { cwd: string; user: SystemUser | undefined; signal?: AbortSignal | undefined },
): Promise<ProgramResult> {
  const child = spawn(path, args, {
    // The caller's folder may be closed to the server's user.
    cwd: options.cwd,
    // Not the caller's environment: PGDATA, PGPORT, PGOPTIONS, TZ and LD_LIBRARY_PATH would all have a say.
    env: { PATH: process.env.PATH, SystemRoot: process.env.SystemRoot, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    ...(options.user ?? {}),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  let output = ''
  const keep = (chunk: string) => {
    output += chunk
  }
  child.stdout.setEncoding('utf8').on('data', keep)
  child.stderr.setEncoding('utf8').on('data', keep)
  const { promise, resolve, reject } = Promise.withResolvers<ProgramResult>()
  let failure: Error | undefined
  child.on('error', (thrown) => {
    failure = thrown
    // Never started: there will be no close.
    if (child.pid === undefined) reject(cannotRun(path, thrown))
  })
  child.on('close', (exitCode) => {
    if (options.signal?.aborted) reject(options.signal.reason)
    else if (failure !== undefined) reject(cannotRun(path, failure))
    else resolve({ exitCode, output })
  })
  return await promise
}

function cannotRun(path: string, cause: Error): EmbeddedError {
  // The file is there (that was checked), so ENOENT speaks of its loader: a Linux without glibc.
  const foreign = ['ENOENT', 'ENOEXEC', 'EBADARCH'].includes(systemCode(cause) ?? '')
  return foreign
    ? new EmbeddedError(
        embeddedErrorCodes.unsupportedPlatform,
        `expected a system that can run ${path}, but it cannot (${cause.message}). On Linux the binaries need glibc (Debian, Ubuntu, Fedora; not Alpine). Use such a system or image, or a PostgreSQL of your own.`,
        { cause },
      )
    : new EmbeddedError(embeddedErrorCodes.startFailed, `could not run ${path}: ${cause.message}`, { cause })
}
