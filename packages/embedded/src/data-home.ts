import { access, chmod, constants, mkdir, mkdtemp, realpath, rmdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { EmbeddedError, embeddedErrorCodes, systemCode } from './errors.ts'
import { isReachable, makeHomeElsewhere } from './reachable-home.ts'
import { findOrCreateSystemUser, isRoot, type SystemUser } from './system-user.ts'

/** Where the data of a folder is kept, and as whom its server runs. */
export interface DataHome {
  /** The folder asked for, absolute and free of symbolic links. */
  readonly requested: string
  /** The folder that has the data: the same, or its replacement where the server's user cannot reach it. */
  readonly home: string
  /** `undefined`: as the user of this process. */
  readonly user: SystemUser | undefined
}

export const pgdataName = 'pgdata'

/** Makes the folder and finds out whether it will do. */
export async function prepareDataHome(dataDir: string): Promise<DataHome> {
  const requested = await makeFolder(dataDir)
  const owner = await findDataOwner(requested)
  if (!isRoot()) {
    const uid = process.getuid?.()
    if (owner === undefined || owner.uid === uid) return { requested, home: requested, user: undefined }
    throw new EmbeddedError(
      embeddedErrorCodes.dataDirNotWritable,
      `expected the data in ${requested} to belong to this user (uid ${uid}), but it belongs to uid ${owner.uid}. Start as that user (or as root), or set dataDir to another folder.`,
    )
  }
  // Data that is there already stays with its owner, so that "sudo" once does not lock out the usual user.
  const user = owner ?? (await findOrCreateSystemUser())
  if (await isReachable(requested, user)) return { requested, home: requested, user }
  if (owner !== undefined) {
    throw new EmbeddedError(
      embeddedErrorCodes.dataDirNotReachable,
      `expected the owner (uid ${owner.uid}) of the data in ${requested} to be able to enter that folder, but a folder on the way is closed. Open it again (chmod o+x), or start as that user.`,
    )
  }
  const home = await makeHomeElsewhere(requested, user)
  return { requested, home, user: (await findDataOwner(home)) ?? user }
}

async function makeFolder(dataDir: string): Promise<string> {
  try {
    const firstMade = await makeFolders(dataDir)
    if (firstMade !== undefined) {
      await openTo(firstMade, dataDir)
      // The whole folder is data: nothing in it belongs into a commit.
      await writeFile(join(dataDir, '.gitignore'), '*\n')
    }
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
    // Root may do anything, says access(), also where nothing can be made.
    await rmdir(await mkdtemp(join(dataDir, `.aimq-draft-${process.pid}-`)))
    return await realpath(dataDir)
  } catch (cause) {
    throw new EmbeddedError(
      embeddedErrorCodes.dataDirNotWritable,
      `expected ${dataDir} to be a folder that this user can make and write, but it is not (${systemCode(cause) ?? cause}). Set dataDir to another folder, or change who may write there.`,
      { cause },
    )
  }
}

/**
 * The folder and those it is in, where missing; the first that was made. Not by Node's `recursive`, which never comes
 * back from a file system that makes no folders and says that they are missing, such as /proc.
 */
async function makeFolders(folder: string): Promise<string | undefined> {
  const made = await makeOne(folder).catch(async (thrown) => {
    if (systemCode(thrown) !== 'ENOENT' || dirname(folder) === folder) throw thrown
    const first = await makeFolders(dirname(folder))
    return (await makeOne(folder)) === undefined ? first : (first ?? folder)
  })
  return made
}

/** Undefined: it was there already. */
async function makeOne(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder)
    return folder
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST' || !(await stat(folder)).isDirectory()) throw thrown
    return undefined
  }
}

/** Only root needs it: what we made ourselves should let the server's user in, whatever the umask. */
async function openTo(firstMade: string, last: string): Promise<void> {
  if (!isRoot()) return
  for (let folder = last; folder.length >= firstMade.length; folder = dirname(folder)) {
    await chmod(folder, 0o755)
  }
}

/** The owner of existing data. Root cannot be one: PostgreSQL would not run. */
async function findDataOwner(home: string): Promise<SystemUser | undefined> {
  try {
    const { uid, gid } = await stat(join(home, pgdataName))
    return uid === 0 && process.getuid !== undefined ? undefined : { uid, gid }
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}
