import type { QueueClient } from '@aimq/queue'
import type { drizzle } from 'drizzle-orm/node-postgres'
import type { Kysely } from 'kysely'
import type postgres from 'postgres'

declare global {
  const client: QueueClient
  const payload: { readonly to: string }
  /** Drizzle's in one example, Kysely's in the next. */
  const db: ReturnType<typeof drizzle> & Kysely<object>
  const sql: postgres.Sql
  /** The part of a generated Prisma client that is used. */
  const prisma: {
    $transaction<Result>(
      work: (tx: {
        $queryRawUnsafe(text: string, ...values: unknown[]): Promise<unknown>
      }) => Promise<Result>,
    ): Promise<Result>
  }
}
