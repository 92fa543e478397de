import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Programs that some tests need and no npm package brings, by the package of Debian that does. */
const wanted = [
  { program: 'pgbouncer', from: 'pgbouncer', for: 'the tests behind a transaction pooler' },
  { program: 'pg_dump', from: 'postgresql-client', for: 'the test of dump and restore' },
]

/**
 * Installs them, once and before any test runs, where that can be done without asking: as root on Debian. Elsewhere those
 * tests say what to install.
 */
export async function installDebianPackages(): Promise<void> {
  if (process.getuid?.() !== 0 || !(await onPath('apt-get'))) return
  const there = await Promise.all(wanted.map(({ program }) => onPath(program)))
  const missing = wanted.filter((_, index) => !there[index])
  if (missing.length === 0) return
  for (const one of missing) console.log(`Installing ${one.from} with apt-get, for ${one.for} …`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const names = missing.map(({ from }) => from)
  try {
    await run('apt-get', ['update'], { env })
    await run('apt-get', ['install', '-y', '--no-install-recommends', ...names], { env })
  } catch (thrown) {
    console.warn(
      `${names.join(' and ')} could not be installed, so tests will fail: ${(thrown as Error).message.split('\n')[0]}`,
    )
  }
}

async function onPath(program: string): Promise<boolean> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  const found = await Promise.allSettled(folders.map((folder) => access(join(folder, program))))
  return found.some((result) => result.status === 'fulfilled')
}
