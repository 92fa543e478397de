/** A way a wake-up can come. */
export type WakePath = 'listen' | 'supabase'

export type WakeHealth = 'connecting' | 'healthy' | 'degraded'

export interface RealtimeFacts {
  'realtime:path-connected': { readonly path: WakePath }
  'realtime:path-lost': { readonly path: WakePath; readonly cause: string }
  /** `healthy` only while a canary makes the round trip. Workers poll accordingly. */
  'realtime:health-changed': { readonly health: WakeHealth; readonly cause?: string }
}

export interface RealtimeRequests {
  'realtime:status': {
    input: Record<never, never>
    output: { readonly health: WakeHealth; readonly cause?: string }
  }
  /** Sends a wake-up hint by hand. */
  'realtime:broadcast': {
    input: { readonly queue: string; readonly count?: number; readonly dueInMs?: number }
    output: { readonly paths: readonly WakePath[] }
  }
}
