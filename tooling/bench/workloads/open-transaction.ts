import pg from 'pg'
import { runDrain } from './run-drain.ts'
import type { Bench, Workload } from './workload.ts'

/**
 * Somebody's transaction is left open, as a report or a forgotten console leaves it: no vacuum and no look at an index can
 * take away what is done. Compare with the drain without it.
 */
export const openTransaction: readonly Workload[] = [
  {
    family: 'open-transaction',
    title: 'drain of 200,000 jobs while a transaction is left open',
    subjects: ['aimq', 'aimq-delete', 'raw', 'graphile', 'pg-boss'],
    slow: true,
    run: async (bench) => {
      await using _ = await leftOpen(bench)
      return await runDrain(bench, { jobs: 200_000 })
    },
  },
]

/** In the subject's own database: what it has seen must be kept. */
async function leftOpen({ place }: Bench): Promise<AsyncDisposable> {
  const client = new pg.Client({ connectionString: place.postgres })
  await client.connect()
  await client.query('begin isolation level repeatable read')
  // A snapshot is taken by the first statement that looks at anything.
  await client.query('select from pg_class limit 1')
  return { [Symbol.asyncDispose]: () => client.end() }
}
