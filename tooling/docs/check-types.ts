import { execFile } from 'node:child_process'
import { access, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type Block, placeOf } from './pages.ts'

const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')

/**
 * Type-checks `ts` blocks, each as a module of its own; answers with one line for each fault, where a reader would look
 * for it. What a page takes for granted (`client`, `tx`) stands in `contexts/<page, / as __>.d.ts`.
 */
export async function typeFaults(blocks: readonly Block[]): Promise<string[]> {
  // Inside this package, so that what the examples import resolves.
  const folder = await mkdtemp(join(import.meta.dirname, '.blocks-'))
  try {
    const pages = Map.groupBy(blocks, (block) => block.page)
    const faults = await Promise.all([...pages].map(([page, own]) => pageFaults(folder, page, own)))
    return faults.flat()
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function pageFaults(folder: string, page: string, blocks: readonly Block[]): Promise<string[]> {
  const name = page.replaceAll('/', '__')
  const own = join(folder, name)
  await mkdir(own)
  await Promise.all(
    // A module even where nothing is imported.
    blocks.map(({ line, text }) => writeFile(join(own, `${line}.ts`), `${text}export {}\n`)),
  )
  const context = join(import.meta.dirname, 'contexts', `${name}.d.ts`)
  if (
    await access(context).then(
      () => true,
      () => false,
    )
  )
    await cp(context, join(own, 'context.d.ts'))
  await writeFile(
    join(own, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../../../tsconfig.base.json',
      compilerOptions: { noEmit: true, isolatedDeclarations: false, declaration: false, types: ['node'] },
      include: ['*.ts'],
    }),
  )
  const { stdout } = await promisify(execFile)(process.execPath, [compiler, '--pretty', 'false', '-p', own], {
    cwd: own,
  }).catch((failed: { stdout: string }) => failed)
  return stdout.split('\n').flatMap((line) => {
    const [, file, row, rest] = /^(?:.*\/)?([\w.]+)\.ts\((\d+),\d+\): error (.*)$/.exec(line) ?? []
    if (rest === undefined) return line.startsWith('error ') ? [`${page}: ${line}`] : []
    // Row 1 is the line below the fence.
    return [`${placeOf({ page, line: Number(file) + Number(row) })}: ${rest}`]
  })
}
