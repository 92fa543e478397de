import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from './errors.ts'
import { identifyThisProcess, isAlive, parseIdentity } from './process-identity.ts'

/** The users of a server, one file each: `users/<pid>-<random>.json`. All of this happens under the start lock. */
export interface Registration {
  remove(): Promise<void>
}

export async function register(users: string): Promise<Registration> {
  await mkdir(users, { recursive: true })
  const path = join(users, `${process.pid}-${randomUUID()}.json`)
  await writeFile(path, JSON.stringify(await identifyThisProcess()))
  return { remove: () => rm(path, { force: true }) }
}

/** How many users live. Forgets those whose process is dead: they were killed and could not say goodbye. */
export async function countUsers(users: string): Promise<number> {
  let living = 0
  for (const name of await readdir(users).catch(emptyWhenMissing)) {
    const path = join(users, name)
    const identity = parseIdentity(await readFile(path, 'utf8'))
    if (identity !== undefined && (await isAlive(identity))) living += 1
    else await rm(path, { force: true })
  }
  return living
}

function emptyWhenMissing(thrown: unknown): string[] {
  if (systemCode(thrown) === 'ENOENT') return []
  throw thrown
}
