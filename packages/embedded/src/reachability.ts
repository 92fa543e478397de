import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { SystemUser } from './system-user.ts'

/**
 * The first folder on the way to `path` (itself included, if it is a folder) that `user` may not pass through, or
 * `undefined` when the way is open. Judged by the mode bits alone, since a process started with a uid and a gid has no
 * further groups. `path` must exist and be free of symbolic links (`realpath`).
 */
export async function findBarrier(path: string, user: SystemUser): Promise<string | undefined> {
  const parent = dirname(path)
  const barrier = parent === path ? undefined : await findBarrier(parent, user)
  if (barrier !== undefined) return barrier
  const stats = await stat(path)
  return stats.isDirectory() && !grants(stats, user, 0o1) ? path : undefined
}

/** Can `user` read this file, and run it if `execute` is asked for? The way to it is part of the question. */
export async function canRead(path: string, user: SystemUser, execute = false): Promise<boolean> {
  if ((await findBarrier(path, user)) !== undefined) return false
  return grants(await stat(path), user, execute ? 0o5 : 0o4)
}

/** `bits`: 4 read, 2 write, 1 execute. Exactly one of owner, group and others applies, as in the kernel. */
function grants(stats: Stats, user: SystemUser, bits: number): boolean {
  const shift = (stats.uid | 0) === user.uid ? 6 : (stats.gid | 0) === user.gid ? 3 : 0
  return ((stats.mode >> shift) & bits) === bits
}
