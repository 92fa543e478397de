import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'tsup'

const folder = join(import.meta.dirname, '..')
/** Of this benchmark alone: another one beside it may be of other code. */
const outDir = join(folder, 'dist', String(process.pid))

/** What a subject's process runs. */
export const programFile = join(outDir, 'program.js')

/** Compiled, so that no subject's process carries a loader of TypeScript: 17 MB. Packages stay what they are. */
export async function compileProgram(): Promise<void> {
  process.once('exit', () => rmSync(outDir, { recursive: true, force: true }))
  await build({
    config: false,
    entry: [join(folder, 'process/program.ts')],
    outDir,
    external: [/^[^./]/],
    format: 'esm',
    target: 'node22',
    silent: true,
  })
}
