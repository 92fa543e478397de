import pg from 'pg'
import type { Inspector } from './subject.ts'

export interface Tables {
  /** `select … from` these finds a job that is not done. */
  readonly open: string
  /** What `truncate` takes. */
  readonly truncate: string
  /** What `vacuum` takes. */
  readonly vacuum: string
}

/** An inspector of a subject that keeps its jobs in PostgreSQL. */
export async function inspectTables(url: string, { open, truncate, vacuum }: Tables): Promise<Inspector> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const settle = async () => {
    await client.query(`vacuum (analyze) ${vacuum}`)
    await client.query('checkpoint')
  }
  return {
    isEmpty: async () => (await client.query(`select from ${open} limit 1`)).rows.length === 0,
    count: async () => Number((await client.query(`select count(*) from ${open}`)).rows[0].count),
    clear: async () => {
      await client.query(`truncate ${truncate}`)
      await settle()
    },
    settle,
    close: () => client.end(),
  }
}
