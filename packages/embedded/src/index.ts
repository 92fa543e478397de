/**
 * A real PostgreSQL 18 with genuine pgmq, started for you, for development and tests.
 *
 * ```ts
 * import { startEmbedded } from '@aimq/embedded'
 * import pg from 'pg'
 *
 * await using postgres = await startEmbedded()
 * const client = new pg.Client(postgres.connectionString)
 * await client.connect()
 * await client.query(`select pgmq.create('emails')`)
 * await client.end()
 * ```
 *
 * @module
 */
export { EmbeddedError, type EmbeddedErrorCode, embeddedErrorCodes } from './errors.ts'
export type { EmbeddedOptions } from './options.ts'
export { type EmbeddedPostgres, startEmbedded } from './start-embedded.ts'
