import { type RealtimeOptions, resolveRealtimeOptions } from './realtime/options.ts'
import type { LocalRealtime } from './realtime/server.ts'

/**
 * Serves Supabase Realtime's protocol (broadcast, private channels, presence, broadcasts from the database) on a
 * database of yours, for development and tests. Installs a minimal schema `realtime` unless there is one.
 */
export async function startRealtime(options: RealtimeOptions): Promise<LocalRealtime> {
  const resolved = resolveRealtimeOptions(options)
  // What it needs is loaded only by those who use it.
  const { serve } = await import('./realtime/server.ts')
  return await serve(resolved)
}
