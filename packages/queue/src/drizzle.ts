/**
 * Sends inside a Drizzle transaction.
 *
 * @module
 */
import { type SQL, sql } from 'drizzle-orm'
import type { SqlClient } from './options.ts'

/** The part of a Drizzle database or transaction that is used. */
export interface DrizzleTransaction {
  execute(query: SQL): PromiseLike<unknown>
}

export function drizzleTransaction(transaction: DrizzleTransaction): SqlClient {
  return {
    async query(text, values) {
      // Drizzle numbers its placeholders itself: each of ours becomes one of its own.
      const parts = text.split(/\$(\d+)/)
      const chunks = parts.map((part, index) =>
        index % 2 === 0 ? sql.raw(part) : sql`${values[Number(part) - 1]}`,
      )
      const result = await transaction.execute(sql.join(chunks))
      // node-postgres and PGlite answer with a result, postgres.js with the rows themselves.
      const rows = Array.isArray(result) ? result : (result as { rows: readonly unknown[] }).rows
      return { rows: [...rows] }
    },
  }
}
