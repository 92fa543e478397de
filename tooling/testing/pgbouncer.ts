import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Installs PgBouncer for the tests behind a transaction pooler, once and before any of them runs, where that can be done
 * without asking: as root on Debian. It comes in no npm package. Elsewhere those tests say what to install.
 */
export async function installPgbouncer(): Promise<void> {
  if (process.getuid?.() !== 0 || (await onPath('pgbouncer')) || !(await onPath('apt-get'))) return
  console.log('Installing pgbouncer with apt-get, for the tests behind a transaction pooler …')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await run('apt-get', ['update'], { env })
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'pgbouncer'], { env })
  } catch (thrown) {
    console.warn(
      `pgbouncer could not be installed, so its tests will fail: ${(thrown as Error).message.split('\n')[0]}`,
    )
  }
}

async function onPath(program: string): Promise<boolean> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  const found = await Promise.allSettled(folders.map((folder) => access(join(folder, program))))
  return found.some((result) => result.status === 'fulfilled')
}
