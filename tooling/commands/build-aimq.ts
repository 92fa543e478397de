import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Builds `aimq` once for the run, so that what is tested is what is published. */
export default async function setup(): Promise<void> {
  const folder = join(import.meta.dirname, '../../packages/cli')
  await run(join(folder, 'node_modules/.bin/tsup'), ['--silent'], { cwd: folder })
}
