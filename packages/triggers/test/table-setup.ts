import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { TableJob } from '../src/index.ts'
import { resolveTableJob } from '../src/table-options.ts'
import { installTableJob, removeTableJob } from '../src/table-sql.ts'
import type { TestDatabase } from './database.ts'

export interface Waiting {
  readonly message: unknown
  readonly headers: unknown
  readonly due: number
}

/** A table and a queue of its own for one test. */
export async function tableAndQueue(
  database: TestDatabase,
  columns = 'id bigint primary key, status text, secret text',
): Promise<{ table: string; queue: string; waiting(): Promise<Waiting[]>; messages(): Promise<unknown[]> }> {
  const name = `t${randomBytes(4).toString('hex')}`
  await database.query(`create table public.${name} (${columns})`)
  await database.query('select pgmq.create($1)', [name])
  const waiting = () =>
    database.query<Waiting & Record<string, unknown>>(
      `select message, headers, (extract(epoch from vt - enqueued_at) * 1000)::int as due from pgmq.q_${name} order by msg_id`,
    )
  return {
    table: name,
    queue: name,
    waiting,
    messages: async () => (await waiting()).map(({ message }) => message),
  }
}

/** Runs the SQL that a migration would hold; removed when the test ends. */
export async function installJob(
  database: TestDatabase,
  job: Omit<TableJob, 'name'> & { readonly name?: string },
): Promise<string> {
  const name = job.name ?? `j${randomBytes(4).toString('hex')}`
  await database.query(installTableJob(resolveTableJob({ ...job, name })))
  onTestFinished(async () => {
    await database.query(removeTableJob(name))
  })
  return name
}
