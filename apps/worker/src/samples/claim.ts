import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const fileName = 'filling'

/**
 * Runs `work` unless another living worker of the data folder is at it: of two that find the queues untouched, one
 * fills them. Undefined: the other does.
 */
export async function claimed<Value>(folder: string, work: () => Promise<Value>): Promise<Value | undefined> {
  const path = join(folder, fileName)
  if (!(await take(path))) {
    if (await isHeld(path)) return undefined
    // Left behind by one that was killed.
    await rm(path, { force: true })
    if (!(await take(path))) return undefined
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

const take = (path: string): Promise<boolean> =>
  writeFile(path, String(process.pid), { flag: 'wx' }).then(
    () => true,
    () => false,
  )

async function isHeld(path: string): Promise<boolean> {
  const pid = Number(await readFile(path, 'utf8').catch(() => ''))
  try {
    // Empty for a moment: the other is just writing it.
    return pid === 0 || process.kill(pid, 0)
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}
