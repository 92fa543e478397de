import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../harness/eventually.ts'
import type { StoredJob } from '../harness/oracle.ts'
import { endsWithinMs, queues, type Stage } from './stage.ts'

/** How long a session of PostgreSQL may take to be gone when everything that used it has ended. */
const goneMs = 10_000
/** A worker with nothing to do answers at once; a machine with too much to do takes its time. */
const answersWithinMs = 15_000
/** After collection, with every job done. A worker that has just begun holds 15 MB. */
const mostHeapBytes = 64e6

/** Jobs that are still in the queues. */
export async function waiting(stage: Stage): Promise<number> {
  const tables = queues.map((queue) => `select count(*) as jobs from pgmq.q_${queue}`).join(' union all ')
  const { rows } = await stage.server.query(`select sum(jobs)::int as jobs from (${tables}) as each`)
  return rows[0].jobs
}

/** Every job in the database, wherever it lies. */
export async function storedJobs(stage: Stage): Promise<StoredJob[]> {
  const stored: StoredJob[] = []
  for (const queue of queues) {
    for (const [table, where] of [
      [`q_${queue}`, 'queue'],
      [`a_${queue}`, 'archive'],
      [`q_${queue}_dlq`, 'dead-letters'],
    ] as const) {
      const { rows: found } = await stage.server.query('select to_regclass($1) as table', [`pgmq.${table}`])
      if (found[0].table === null) continue
      const { rows } = await stage.server.query(
        `select message ->> 'key' as key, coalesce(message -> 'dead' = 'true', false) as dead from pgmq.${table}`,
      )
      stored.push(...rows.map(({ key, dead }) => ({ key: String(key), where, toldToDie: dead })))
    }
  }
  return stored
}

/** Sessions that nobody should have any more. */
export async function leftBehind(stage: Stage): Promise<string[]> {
  const sessions = async () =>
    (
      await stage.server.query(
        `select application_name from pg_stat_activity where application_name ~ '^aimq( listen| realtime)?$'`,
      )
    ).rows.map((row) => row.application_name)
  try {
    await eventually(async () => (await sessions()).length === 0, 'no session is left', goneMs)
    return []
  } catch {
    return [`sessions were left behind: ${(await sessions()).join(', ')}`]
  }
}

/** A process ends by the signal it was sent, or with 0 when it was told to stop; never by itself. */
export function wrongEndings(stage: Stage): string[] {
  return stage.endings.flatMap(({ who, told, late, code, signal, stderr }) => {
    const right = told === 'SIGKILL' ? signal === 'SIGKILL' : told === 'SIGTERM' && code === 0
    if (right && !late) return []
    const how = late ? `did not end within ${endsWithinMs / 1000} s` : `ended with ${signal ?? code}`
    return [`${who} ${how}, told ${told ?? 'nothing'}: ${stderr.slice(-2000)}`]
  })
}

/** What each worker says of itself when all is done; and of those that say nothing, or hold too much, that. */
export async function lastWords(stage: Stage): Promise<{ memory: string[]; broken: string[] }> {
  const broken: string[] = []
  const memory = await Promise.all(
    stage.workers.map(async (worker, n) => {
      const health = await Promise.race([worker?.health(), sleep(answersWithinMs, undefined, { ref: false })])
      if (health === undefined) {
        broken.push(`worker ${n + 1} did not answer within ${answersWithinMs / 1000} s`)
        return 'no answer'
      }
      const { heapBytes, rssBytes } = health
      if (heapBytes > mostHeapBytes)
        broken.push(`the heap of worker ${n + 1} is ${mega(heapBytes)} with nothing to do`)
      return `${mega(heapBytes)} heap, ${mega(rssBytes)} resident`
    }),
  )
  return { memory, broken }
}

export const mega = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`.padStart(8)
