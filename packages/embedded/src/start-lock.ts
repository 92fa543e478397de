import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from './errors.ts'
import { makeWhole } from './make-whole.ts'
import { identifyThisProcess, isAlive, type ProcessIdentity, parseIdentity } from './process-identity.ts'
import { waitUntil } from './wait-until.ts'

export interface StartLock {
  release(): Promise<void>
  /** Releases, and removes every trace of the lock. For a data folder that is being deleted. */
  remove(): Promise<void>
}

/** How often a waiter looks whether the lock is free. */
const lookEveryMs = 20
/** Old tickets that stay, so that a reader of the folder who is overtaken still finds a newer one. */
const keptTickets = 8

/**
 * One process at a time starts, joins or stops the server of a folder.
 *
 * The lock is a folder of numbered tickets. The newest ticket holds the lock, until it is marked as released or its
 * process is dead (so `kill -9` cannot leave it locked). Whoever finds it free makes the next number; making a number
 * succeeds only once, so of ten that find the same lock free one gets it. A stale ticket is never taken away, only
 * outnumbered: taking it away is where such locks go wrong, since by then it may be the fresh ticket of somebody else.
 */
export async function acquireStartLock(folder: string, signal?: AbortSignal): Promise<StartLock> {
  const holder = await identifyThisProcess()
  const ticket = await waitUntil(() => tryToTake(folder, holder), { everyMs: lookEveryMs, signal })
  const path = join(folder, String(ticket))
  return {
    release: () => ignoreMissing(writeFile(join(path, 'released'), '')),
    async remove() {
      // Out of the way in one step: a waiter finds either this lock held or no lock at all.
      const gone = `${folder}-gone-${process.pid}-${ticket}`
      await ignoreMissing(rename(folder, gone))
      await rm(gone, { recursive: true, force: true })
    },
  }
}

async function tryToTake(folder: string, holder: ProcessIdentity): Promise<number | undefined> {
  await mkdir(folder, { recursive: true })
  const newest = await newestTicket(folder)
  if (newest > 0 && !(await isFree(join(folder, String(newest))))) return undefined
  const mine = newest + 1
  const path = join(folder, String(mine))
  try {
    const made = await makeWhole(path, async (draft) => {
      await mkdir(draft)
      await writeFile(join(draft, 'holder.json'), JSON.stringify(holder))
    })
    if (!made) return undefined
    // Somebody slow may have made a number that was already used and swept; the newest one decides.
    if ((await newestTicket(folder)) !== mine) {
      await rm(path, { recursive: true, force: true })
      return undefined
    }
    await sweepTickets(folder, mine)
    return mine
  } catch (thrown) {
    // The folder was deleted meanwhile, together with the data: look again.
    if (systemCode(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}

async function newestTicket(folder: string): Promise<number> {
  return Math.max(0, ...(await tickets(folder)))
}

async function tickets(folder: string): Promise<number[]> {
  return (await readdir(folder)).filter((name) => /^\d+$/.test(name)).map(Number)
}

async function isFree(ticket: string): Promise<boolean> {
  const inside = await ignoreMissing(readdir(ticket))
  if (inside?.includes('released')) return true
  const text = await ignoreMissing(readFile(join(ticket, 'holder.json'), 'utf8'))
  // Tickets appear complete. One without a readable holder was torn by a power cut.
  const holder = parseIdentity(text ?? '')
  return holder === undefined || !(await isAlive(holder))
}

async function sweepTickets(folder: string, newest: number): Promise<void> {
  for (const ticket of await tickets(folder)) {
    if (ticket > newest - keptTickets) continue
    await rm(join(folder, String(ticket)), { recursive: true, force: true })
  }
}

async function ignoreMissing<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}
