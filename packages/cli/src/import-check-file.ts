import { fileURLToPath } from 'node:url'

/** The program of its own that imports handlers first: beside this file in the sources, and beside the bundle. */
export const importCheckFile: string = fileURLToPath(
  new URL(`./import-check-program${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
)
