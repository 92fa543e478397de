import { randomUUID } from 'node:crypto'
import { readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { systemCode } from './errors.ts'
import { mayBeAlive } from './process-identity.ts'

const draftPattern = /^\.aimq-draft-(\d+)-/

/**
 * Makes a folder that is either there complete or not at all: `build` fills a draft beside it, which is then renamed.
 * Gives false when somebody else was faster; theirs stays. A draft whose maker was killed is swept by the next maker.
 */
export async function makeWhole(target: string, build: (draft: string) => Promise<void>): Promise<boolean> {
  const folder = dirname(target)
  await sweepDrafts(folder)
  const draft = join(folder, `.aimq-draft-${process.pid}-${randomUUID()}-${basename(target)}`)
  try {
    await build(draft)
    await rename(draft, target)
    return true
  } catch (thrown) {
    // A program that was told to stop may still be writing its last file.
    await rm(draft, { recursive: true, force: true, maxRetries: 10 }).catch(() => {})
    // Renaming onto a folder that is not empty; Windows has its own word for it.
    const taken = ['ENOTEMPTY', 'EEXIST', ...(process.platform === 'win32' ? ['EPERM'] : [])]
    if (taken.includes(systemCode(thrown) ?? '')) return false
    throw thrown
  }
}

export async function sweepDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const maker = draftPattern.exec(name)?.[1]
    if (maker === undefined || mayBeAlive(Number(maker))) continue
    // What cannot be removed now is swept the next time.
    await rm(join(folder, name), { recursive: true, force: true }).catch(() => {})
  }
}
