import { randomUUID } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const fileName = 'webhook-secret'

/**
 * The secret that all workers of a data folder sign with: `proposal`, or that of who came first. Without one in common,
 * the webhooks of one would be refused when another sends them. Where it cannot be kept, `proposal`.
 */
export async function sharedSecret(folder: string, proposal: string): Promise<string> {
  const path = join(folder, fileName)
  const draft = `${path}-${process.pid}-${randomUUID()}`
  try {
    await writeFile(draft, proposal, { mode: 0o600, flag: 'wx' })
    // Complete or not at all, and for one only.
    await link(draft, path).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'EEXIST') throw thrown
    })
    return (await readFile(path, 'utf8')).trim() || proposal
  } catch {
    return proposal
  } finally {
    await rm(draft, { force: true }).catch(() => {})
  }
}
