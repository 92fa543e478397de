import { chmod, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Lets every user read a folder that we made, and run what its owner may run: the server's user may be another one
 * than we are, and a strict umask may have been in force when we made it or when the original was installed.
 */
export async function openToAll(path: string): Promise<void> {
  const stats = await lstat(path)
  if (stats.isSymbolicLink()) return
  const run = stats.isDirectory() || (stats.mode & 0o100) !== 0
  await chmod(path, run ? 0o755 : 0o644)
  if (stats.isDirectory()) for (const name of await readdir(path)) await openToAll(join(path, name))
}
