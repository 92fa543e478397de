/**
 * Sends inside a Kysely transaction.
 *
 * @module
 */
import { CompiledQuery, type QueryResult } from 'kysely'
import type { SqlClient } from './options.ts'

/** The part of a Kysely database or transaction that is used. */
export interface KyselyTransaction {
  executeQuery<Row>(query: CompiledQuery<Row>): Promise<QueryResult<Row>>
}

export function kyselyTransaction(transaction: KyselyTransaction): SqlClient {
  return {
    async query(text, values) {
      const { rows } = await transaction.executeQuery<unknown>(CompiledQuery.raw(text, values))
      return { rows }
    },
  }
}
