import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inject } from 'vitest'
import { workspace } from './pack.ts'
import { type Output, run } from './run.ts'

/** A folder of a user, away from the workspace. */
export interface Project extends AsyncDisposable {
  readonly folder: string
  write(file: string, text: string): Promise<void>
  /** `npm install …`, as in a README; fails on conflicting peers. */
  install(...packages: readonly string[]): Promise<void>
  /** Puts a file of `programs/` into it. */
  copyProgram(file: string): Promise<void>
  /** Runs one of its files by Node. */
  node(args: readonly string[], env?: Record<string, string>): Promise<Output>
  /** Runs a command that a package brought along. */
  bin(command: string, args: readonly string[], env?: Record<string, string>): Promise<Output>
  /** Type-checks the files: strict, and the declarations of what is installed as well. */
  typecheck(...files: readonly string[]): Promise<void>
}

export async function createProject(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'aimq-package-'))
  // As root, the embedded PostgreSQL runs as somebody else, who must be able to enter.
  await chmod(folder, 0o755)
  const write = (file: string, text: string) => writeInto(folder, file, text)
  await write('package.json', JSON.stringify({ name: 'user', private: true, type: 'module' }))
  await write('.npmrc', `@aimq:registry=${inject('registry')}\naudit=false\nfund=false\n`)
  return {
    folder,
    write,
    async install(...packages) {
      const { stderr } = await run(
        'npm',
        ['install', '--strict-peer-deps', '--prefer-offline', ...packages],
        { cwd: folder },
      )
      const complaint = stderr.split('\n').find((line) => /EBADENGINE|deprecated|ERESOLVE|peer/.test(line))
      if (complaint) throw new Error(`npm install ${packages.join(' ')} warns: ${complaint}`)
    },
    copyProgram: (file) => copyFile(join(import.meta.dirname, '../programs', file), join(folder, file)),
    node: (args, env) => run(process.execPath, args, { cwd: folder, ...(env && { env }) }),
    bin: (command, args, env) =>
      run(join(folder, 'node_modules/.bin', command), args, { cwd: folder, ...(env && { env }) }),
    async typecheck(...files) {
      await write('tsconfig.json', JSON.stringify({ compilerOptions, files }))
      const tsc = join(workspace, 'node_modules/typescript/bin/tsc')
      await run(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: folder })
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

export async function writeInto(folder: string, file: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true })
  await writeFile(join(folder, file), text)
}

/** What `tsc --init` writes, without its leniency about the declarations of libraries. */
const compilerOptions = {
  module: 'nodenext',
  target: 'esnext',
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  noUncheckedSideEffectImports: true,
  moduleDetection: 'force',
  noEmit: true,
  // As Node runs it.
  rewriteRelativeImportExtensions: true,
  erasableSyntaxOnly: true,
  skipLibCheck: false,
}
