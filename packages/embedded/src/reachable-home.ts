import { createHash } from 'node:crypto'
import { chmod, cp, lstat, mkdir, realpath, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Binaries, platformName, programPath } from './binaries.ts'
import { EmbeddedError, embeddedErrorCodes, systemCode } from './errors.ts'
import { makeWhole } from './make-whole.ts'
import { openToAll } from './open-to-all.ts'
import { canRead, findBarrier } from './reachability.ts'
import type { SystemUser } from './system-user.ts'

/**
 * Only for root. The server runs as an unprivileged user, who often may not enter the folder of a project: a clone
 * below /root or in a `mktemp -d`. Changing the mode of folders that are not ours is no answer, so data and binaries
 * then live in a place of their own, derived from the folder asked for: the same folder, the same place, every time.
 */

/** Both survive a reboot on the usual systems, the first by definition. */
const places: readonly string[] = ['/var/tmp', tmpdir()]
export const noteName = 'WHERE-THE-DATA-IS.txt'

/** Is the way to this existing folder open for `user`? */
export async function isReachable(folder: string, user: SystemUser): Promise<boolean> {
  return (await findBarrier(await realpath(folder), user)) === undefined
}

/** The place for the data of `dataDir`, made if need be. Leaves a note in `dataDir` that says so. */
export async function makeHomeElsewhere(dataDir: string, user: SystemUser): Promise<string> {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  const home = join(await findPlace(user), `aimq-${hash}`)
  await makeOwnFolder(home)
  await writeFile(
    join(dataDir, noteName),
    `The data of this folder is in ${home}\n\n` +
      'PostgreSQL was started by root and therefore runs as an unprivileged user, who may not enter this folder.\n' +
      'The place follows from the path of this folder. To delete the data, stop the server and delete both.\n',
  )
  return home
}

/** The binaries as they are if `user` can run them; else a copy, made once per build. */
export async function makeReachable(binaries: Binaries, user: SystemUser): Promise<Binaries> {
  const native = await realpath(binaries.native)
  if (await canUse(native, user)) return { ...binaries, native }
  const copy = join(await findPlace(user), `aimq-postgres-${binaries.build}-${platformName}`)
  const isThere = await lstat(copy).then(
    () => true,
    () => false,
  )
  if (!isThere) await makeWhole(copy, (draft) => copyBinaries(native, draft))
  await assertOwn(copy)
  if (await canUse(copy, user)) return { ...binaries, native: copy }
  throw new EmbeddedError(
    embeddedErrorCodes.dataDirNotReachable,
    `expected the copy of the PostgreSQL binaries in ${copy} to be usable for user ${user.uid}, but it is not. Delete that folder and start again.`,
  )
}

async function copyBinaries(native: string, draft: string): Promise<void> {
  // Static libraries are for compiling only.
  const filter = (source: string) => !source.endsWith('.a')
  await cp(native, draft, { recursive: true, verbatimSymlinks: true, filter })
  await openToAll(draft)
}

/** One file of each kind: if these can be used, all can, since they were installed alike. */
async function canUse(native: string, user: SystemUser): Promise<boolean> {
  return (
    (await canRead(programPath({ native }, 'postgres'), user, true)) &&
    (await canRead(join(native, 'share', 'postgresql', 'postgres.bki'), user))
  )
}

async function findPlace(user: SystemUser): Promise<string> {
  for (const place of places) {
    if (await isReachable(place, user).catch(() => false)) return await realpath(place)
  }
  throw new EmbeddedError(
    embeddedErrorCodes.dataDirNotReachable,
    `PostgreSQL does not run as root, and the user ${user.uid} it would run as can enter neither the data folder nor ${places.join(' nor ')}. Set dataDir to a folder that every user may enter, or start as an ordinary user.`,
  )
}

/** A folder in a place where everybody may make folders: it must not have been put there by somebody else. */
async function makeOwnFolder(folder: string): Promise<void> {
  await mkdir(folder).catch((thrown) => {
    if (systemCode(thrown) !== 'EEXIST') throw thrown
  })
  await assertOwn(folder)
  await chmod(folder, 0o755)
}

async function assertOwn(folder: string): Promise<void> {
  const stats = await lstat(folder)
  if (stats.isDirectory() && stats.uid === 0 && (stats.mode & 0o022) === 0) return
  throw new EmbeddedError(
    embeddedErrorCodes.dataDirNotReachable,
    `expected ${folder} to be a folder that root made for the embedded server, but it belongs to user ${stats.uid} or others may write there. Look who made it, delete it, and start again.`,
  )
}
