import { join } from 'node:path'
import { build } from 'tsup'

const folder = join(import.meta.dirname, '..')

/** What a subject's process runs. */
export const programFile = join(folder, 'dist/program.js')

/** Compiled, so that no subject's process carries a loader of TypeScript: 17 MB. Packages stay what they are. */
export async function compileProgram(): Promise<void> {
  await build({
    config: false,
    entry: [join(folder, 'process/program.ts')],
    outDir: join(folder, 'dist'),
    external: [/^[^./]/],
    format: 'esm',
    target: 'node22',
    silent: true,
  })
}
