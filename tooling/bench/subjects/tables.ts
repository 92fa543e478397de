import pg from 'pg'
import type { Inspector } from './subject.ts'

export interface Tables {
  /** `select … from` these finds a job that is not done. */
  readonly open: string
  /** The column that says when it is due. */
  readonly due: string
  /** What `truncate` takes. */
  readonly truncate: string
  /** What `vacuum` takes. */
  readonly vacuum: string
}

/** An inspector of a subject that keeps its jobs in PostgreSQL. */
export async function inspectTables(
  url: string,
  { open, due, truncate, vacuum }: Tables,
): Promise<Inspector> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const settle = async () => {
    await client.query(`vacuum (analyze) ${vacuum}`)
    await client.query('checkpoint')
  }
  const nextDue = `select from ${open} ${open.includes(' where ') ? 'and' : 'where'} ${due} < now() + interval '10 minutes'`
  return {
    // A lease ends within the half minute, a delay of these benchmarks much later.
    isEmpty: async () => (await client.query(`${nextDue} limit 1`)).rows.length === 0,
    count: async () => Number((await client.query(`select count(*) from ${open}`)).rows[0].count),
    clear: async () => {
      await client.query(`truncate ${truncate}`)
      await settle()
    },
    settle,
    close: () => client.end(),
  }
}
