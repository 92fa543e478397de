import { realpath } from 'node:fs/promises'
import { canRead } from '../../../packages/embedded/src/reachability.ts'

const nobody = { uid: 65_534, gid: 65_534 }

/** Whom to start a command as, so that the modes of files count: they do not for root. */
export const ordinaryUser: { readonly user?: typeof nobody } =
  process.getuid?.() === 0 ? { user: nobody } : {}

/** Whether Node and this program of the clone are open to him. */
export async function mayRun(program: string): Promise<boolean> {
  const { user } = ordinaryUser
  if (user === undefined) return true
  return (
    (await canRead(await realpath(process.execPath), user, true)) &&
    (await canRead(await realpath(program), user))
  )
}
