/**
 * Sends inside a transaction of postgres.js.
 *
 * @module
 */
import type { SqlClient } from './options.ts'

/** The part of `sql`, as `sql.begin` gives it, that is used. */
export interface PostgresJsTransaction {
  unsafe(text: string, values: string[]): PromiseLike<readonly unknown[]>
}

export function postgresJsTransaction(transaction: PostgresJsTransaction): SqlClient {
  return {
    query: async (text, values) => ({ rows: [...(await transaction.unsafe(text, values))] }),
  }
}
