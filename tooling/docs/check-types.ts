import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type Block, placeOf } from './pages.ts'

const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')

const contexts = join(import.meta.dirname, 'contexts')

/**
 * Type-checks `ts` and `js` blocks, each as a module of its own; answers with one line for each fault, where a reader
 * would look for it. What a page takes for granted (`client`, `tx`) stands in `contexts/<page, / as __>.d.ts`.
 */
export async function typeFaults(blocks: readonly Block[]): Promise<string[]> {
  // Inside this package, so that what the examples import resolves.
  const folder = await mkdtemp(join(import.meta.dirname, '.blocks-'))
  try {
    // What a context declares is global to its program: those pages get one of their own, all others share one.
    const programs = Map.groupBy(blocks, ({ page }) => (existsSync(contextOf(page)) ? page : 'others'))
    const faults: string[] = []
    for (const [name, own] of programs)
      faults.push(...(await programFaults(join(folder, fileName(name)), own)))
    return faults
  } finally {
    await rm(folder, { recursive: true })
  }
}

const fileName = (page: string): string => page.replaceAll('/', '__')
const contextOf = (page: string): string => join(contexts, `${fileName(page)}.d.ts`)

async function programFaults(folder: string, blocks: readonly Block[]): Promise<string[]> {
  await mkdir(folder)
  const files = new Map<string, Block>()
  for (const block of blocks) {
    const file = `${fileName(block.page)}-${block.line}.${block.language}`
    files.set(file, block)
    // A module even where nothing is imported.
    await writeFile(join(folder, file), `${block.text}export {}\n`)
    const context = contextOf(block.page)
    if (existsSync(context)) await cp(context, join(folder, 'context.d.ts'))
  }
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../../../tsconfig.base.json',
      compilerOptions: {
        noEmit: true,
        isolatedDeclarations: false,
        declaration: false,
        types: ['node'],
        checkJs: true,
      },
      include: ['*.ts', '*.js'],
    }),
  )
  const args = [compiler, '--pretty', 'false', '-p', folder]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder }).catch(
    (failed: { stdout: string }) => failed,
  )
  return stdout.split('\n').flatMap((line) => {
    const [, file = '', row, rest] = /^(.+\.[jt]s)\((\d+),\d+\): error (.*)$/.exec(line) ?? []
    const block = files.get(file)
    // Row 1 is the line below the fence.
    if (block !== undefined) return [`${placeOf({ ...block, line: block.line + Number(row) })}: ${rest}`]
    return /(^|: )error /.test(line) ? [line] : []
  })
}
