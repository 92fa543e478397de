import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** Names one process. The pid alone does not: after its death the number is given to somebody else. */
export interface ProcessIdentity {
  readonly pid: number
  /** When the process started, in a form that only equality is asked of. Absent where the system does not tell. */
  readonly startedAt?: string
}

interface LivingProcess extends ProcessIdentity {
  /** Program and arguments, space-separated. */
  readonly command?: string
}

/** What is known about the process with this pid, or `undefined` when there is none (or only a zombie). */
export async function findProcess(pid: number): Promise<LivingProcess | undefined> {
  if (!mayBeAlive(pid)) return undefined
  if (process.platform === 'linux') return await findInProc(pid)
  if (process.platform === 'win32') return { pid }
  return await findWithPs(pid)
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const found = await findProcess(identity.pid)
  if (found === undefined) return false
  if (found.startedAt === undefined || identity.startedAt === undefined) return true
  return found.startedAt === identity.startedAt
}

export async function identifyThisProcess(): Promise<ProcessIdentity> {
  const found = await findProcess(process.pid)
  return found?.startedAt === undefined
    ? { pid: process.pid }
    : { pid: process.pid, startedAt: found.startedAt }
}

/** Reads an identity back from its JSON; `undefined` when it is none. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    const parsed = JSON.parse(text) as ProcessIdentity
    return Number.isSafeInteger(parsed?.pid) ? parsed : undefined
  } catch {
    return undefined
  }
}

/** As the kernel sees it: a zombie counts, and so does a process of another user. */
export function mayBeAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function findInProc(pid: number): Promise<LivingProcess | undefined> {
  try {
    const [stat, command] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ])
    // The name in parentheses may itself contain spaces and parentheses, so count from its end:
    // state is the first field after it, the start time in clock ticks since boot the twentieth.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    return { pid, startedAt: `${fields[19]}`, command: command.split('\0').join(' ') }
  } catch {
    // Gone meanwhile, or hidden from this user (`hidepid`).
    return mayBeAlive(pid) ? { pid } : undefined
  }
}

async function findWithPs(pid: number): Promise<LivingProcess | undefined> {
  try {
    const { stdout } = await promisify(execFile)(
      'ps',
      ['-ww', '-o', 'state=,lstart=,command=', '-p', String(pid)],
      {
        env: { PATH: process.env.PATH, LC_ALL: 'C' },
      },
    )
    const [state = '', ...rest] = stdout.trim().split(/\s+/)
    if (state.startsWith('Z')) return undefined
    // `lstart` is five words: Mon Nov 23 14:27:17 2026.
    return { pid, startedAt: rest.slice(0, 5).join(' '), command: rest.slice(5).join(' ') }
  } catch {
    return mayBeAlive(pid) ? { pid } : undefined
  }
}
