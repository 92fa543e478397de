/**
 * A real PostgreSQL 18 with genuine pgmq, started for you, for development and tests.
 *
 * ```ts
 * import { startEmbedded } from '@aimq/embedded'
 * import pg from 'pg'
 *
 * const postgres = await startEmbedded()
 * const client = new pg.Client(postgres.connectionString)
 * await client.connect()
 * await client.query(`select pgmq.create('emails')`)
 * await client.end()
 * await postgres.stop()
 * ```
 *
 * @module
 */
export { EmbeddedError, type EmbeddedErrorCode, embeddedErrorCodes } from './errors.ts'
export type { EmbeddedOptions } from './options.ts'
export type { JoinRecord } from './realtime/context.ts'
export type { RealtimeCounts, RealtimeHooks } from './realtime/hooks.ts'
export type { RealtimeLimits } from './realtime/limits.ts'
export type { EmbeddedRealtimeOptions, RealtimeOptions } from './realtime/options.ts'
export type { LocalRealtime, RealtimeBacking } from './realtime/server.ts'
export { type EmbeddedPostgres, startEmbedded } from './start-embedded.ts'
export { startRealtime } from './start-realtime.ts'
