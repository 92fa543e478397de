import { fileURLToPath } from 'node:url'

const inSources = import.meta.url.endsWith('.ts')

/** The program of its own that imports handlers first: beside this file in the sources, and beside the bundle. */
export const importCheckFile: string = fileURLToPath(
  new URL(inSources ? './import-check-program.ts' : './import-check-program.js', import.meta.url),
)
