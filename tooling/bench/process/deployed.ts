import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const app = join(import.meta.dirname, '../../../apps/worker/package.json')

/** What `apps/worker` gives to Node when it is started. */
export function deployedFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(app, 'utf8')) as { scripts: { start: string } }
  return scripts.start.split(' ').filter((word) => word.startsWith('--'))
}
