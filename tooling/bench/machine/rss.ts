import { execFileSync } from 'node:child_process'

/** What is resident of a process, in MB. */
export function rssMbOf(pid: number): number {
  const kilobytes = execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })
  return Number(kilobytes) / 1024
}
