import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from './errors.ts'
import { findProcess, isAlive, type ProcessIdentity } from './process-identity.ts'

/** The main process of a server, as its `postmaster.pid` and the operating system tell. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
  /** Accepts connections. If not, it is on its way up or down. */
  readonly ready: boolean
  isRunning(): Promise<boolean>
}

/** The living server of this data folder, started by whomever. */
export async function findPostmaster(pgdata: string): Promise<Postmaster | undefined> {
  const lines = await readPidFile(pgdata)
  const identity = await findServerProcess(pgdata, lines)
  if (identity === undefined) return undefined
  return {
    pid: identity.pid,
    port: Number(lines[3]),
    ready: lines[7]?.trim() === 'ready',
    isRunning: () => isAlive(identity),
  }
}

/**
 * After a crash `postmaster.pid` stays, and PostgreSQL refuses to start when a process with that pid is around: also
 * when that is a zombie nobody waits for (containers), or a stranger who got the number. PostgreSQL makes an exception
 * for the process that calls `pg_ctl`, so the file is made to name us. Deleting it would be simpler, and wrong: its
 * other lines let PostgreSQL see whether children of the dead server still write to the data.
 */
export async function disownPidFile(pgdata: string): Promise<void> {
  const lines = await readPidFile(pgdata)
  if (lines.length === 0 || process.platform === 'win32') return
  if ((await findServerProcess(pgdata, lines)) !== undefined) return
  await writeFile(join(pgdata, 'postmaster.pid'), [String(process.pid), ...lines.slice(1)].join('\n'))
}

async function findServerProcess(
  pgdata: string,
  lines: readonly string[],
): Promise<ProcessIdentity | undefined> {
  const pid = Number(lines[0])
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined
  const found = await findProcess(pid)
  // Where the system does not tell what the process runs, the file is believed.
  return found?.command === undefined || found.command.includes(pgdata) ? found : undefined
}

async function readPidFile(pgdata: string): Promise<readonly string[]> {
  try {
    return (await readFile(join(pgdata, 'postmaster.pid'), 'utf8')).split('\n')
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return []
    throw thrown
  }
}
