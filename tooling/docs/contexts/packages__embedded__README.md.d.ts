import type { EmbeddedOptions, EmbeddedPostgres, LocalRealtime } from '@aimq/embedded'

declare global {
  // In JavaScript nobody can say that Realtime is there because it was asked for.
  const startEmbedded: (options: EmbeddedOptions) => Promise<EmbeddedPostgres & { realtime: LocalRealtime }>
  const RealtimeClient: typeof import('@supabase/realtime-js').RealtimeClient
}
