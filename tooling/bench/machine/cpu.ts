import { readdirSync, readFileSync } from 'node:fs'

/** A clock tick of `/proc`, which is a hundredth of a second on every Linux there is. */
const tickUs = 10_000

interface Times {
  readonly parent: number
  readonly ownUs: number
  /** Of children that have ended and were waited for. */
  readonly endedUs: number
}

/** CPU that a process and its children have used, in microseconds; undefined where there is no `/proc`. */
export function cpuOfTree(root: number): number | undefined {
  const tree = timesOf(root)
  if (tree === undefined) return undefined
  let sum = tree.ownUs + tree.endedUs
  for (const entry of readdirSync('/proc')) {
    const times = /^\d+$/.test(entry) ? timesOf(Number(entry)) : undefined
    if (times?.parent === root) sum += times.ownUs
  }
  return sum
}

/** CPU of some processes, in microseconds. */
export function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (timesOf(pid)?.ownUs ?? 0), 0)
}

export function parentOf(pid: number): number | undefined {
  return timesOf(pid)?.parent
}

function timesOf(pid: number): Times | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name is in brackets and may hold anything; fields are counted behind it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const ticks = (index: number) => Number(fields[index]) * tickUs
    return { parent: Number(fields[1]), ownUs: ticks(11) + ticks(12), endedUs: ticks(13) + ticks(14) }
  } catch {
    return undefined
  }
}
