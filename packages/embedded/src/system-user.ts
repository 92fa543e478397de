import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { EmbeddedError, embeddedErrorCodes } from './errors.ts'

/** The unprivileged user that the server runs as when this process is root, which PostgreSQL refuses to run as. */
export interface SystemUser {
  readonly uid: number
  readonly gid: number
}

const run: (file: string, args: readonly string[]) => Promise<{ stdout: string }> = promisify(execFile)

export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** `postgres` if there is one, else a new system user of that name, else `nobody`. */
export async function findOrCreateSystemUser(): Promise<SystemUser> {
  const existing = await findUser('postgres')
  if (existing !== undefined) return existing
  // Fails without useradd (macOS, Alpine), on a read-only /etc, and when another process does the same right now.
  await run('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/usr/sbin/nologin',
    'postgres',
  ]).catch(() => {})
  const user = (await findUser('postgres')) ?? (await findUser('nobody'))
  if (user !== undefined) return user
  throw new EmbeddedError(
    embeddedErrorCodes.startFailed,
    'PostgreSQL does not run as root, and there is neither a user "postgres" nor "nobody" to run it as. ' +
      'Create one (useradd --system postgres), or start as an ordinary user.',
  )
}

async function findUser(name: string): Promise<SystemUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    // macOS prints -2 or 4294967294 for nobody; spawn takes a signed 32-bit number.
    const user = { uid: Number(uid.stdout) | 0, gid: Number(gid.stdout) | 0 }
    return user.uid === 0 ? undefined : user
  } catch {
    return undefined
  }
}
