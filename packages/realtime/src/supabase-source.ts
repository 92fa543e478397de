import type { Logger } from '@aimq/events'
import { databaseSender } from './database-sender.ts'
import type { ResolvedSupabase } from './options.ts'
import type { WakeSource } from './wake-source.ts'

/** Wake-ups over Supabase Realtime. Its client is loaded where it is used, and not by who only listens to PostgreSQL. */
export function supabaseSource(options: ResolvedSupabase, logger: Logger): WakeSource {
  const sender =
    options.connectionString === undefined
      ? undefined
      : databaseSender(options.connectionString, options, logger)
  return {
    path: 'supabase',
    canaryIntervalMs: options.canaryIntervalMs,
    silenceMeans: 'the Realtime server is joined and passes nothing on; its replication may be down',
    async open(listener, signal) {
      const { openSupabase } = await import('./supabase-connection.ts')
      return await openSupabase(options, sender, listener, signal)
    },
  }
}
