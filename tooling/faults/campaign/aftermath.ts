import { eventually } from '../harness/eventually.ts'
import type { StoredJob } from '../harness/oracle.ts'
import { queues, type Stage } from './stage.ts'

/** How long a session of PostgreSQL may take to be gone when everything that used it has ended. */
const goneMs = 10_000

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
      const { rows } = await stage.server.query(`select message ->> 'key' as key from pgmq.${table}`)
      stored.push(...rows.map(({ key }) => ({ key: String(key), where })))
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
  return stage.endings.flatMap(({ who, told, code, signal, stderr }) => {
    const right = told === 'SIGKILL' ? signal === 'SIGKILL' : told === 'SIGTERM' && code === 0
    if (right) return []
    return [`${who} ended with ${signal ?? code}, told ${told ?? 'nothing'}: ${stderr.slice(-2000)}`]
  })
}

export const mega = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`.padStart(8)
