import { lockTimeoutMs, safePath } from './database.ts'
import { fill } from './sql-template.ts'

/**
 * The parts of a block of SQL that somebody runs by himself, for its declarations, before, between and after what it
 * does: one transaction however it is run, under a safe search path, and nobody who writes stands behind it for long.
 */
export function blockParts() {
  const fragments = { ms: String(lockTimeoutMs), path: safePath }
  const part = (name: string) => fill(`block/${name}`, { fragments }).trimEnd()
  return {
    declare: part('declare'),
    try: part('try'),
    /** Before a statement that locks another table: all of them are to be had in the time of one. */
    left: part('left'),
    retry: part('retry'),
  }
}
