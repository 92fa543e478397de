/** A way a wake-up can come. */
export type WakePath = 'listen' | 'supabase'

export type WakeHealth = 'connecting' | 'healthy' | 'degraded'

export interface RealtimeFacts {
  'realtime:path-connected': { readonly path: WakePath }
  'realtime:path-lost': { readonly path: WakePath; readonly cause: string }
  /** Wake-ups for these queues (absent: for any) may have been missed without a fault of the path: look at them once. */
  'realtime:wakeups-missed': { readonly path: WakePath; readonly queues?: readonly string[] }
  /** `healthy` only while a canary makes the round trip. Workers poll accordingly. */
  'realtime:health-changed': { readonly health: WakeHealth; readonly cause?: string }
}

export interface RealtimeRequests {
  'realtime:status': { input: Record<never, never>; output: RealtimeStatus }
  /** Sends a wake-up hint by hand. */
  'realtime:broadcast': {
    input: { readonly queue: string; readonly count?: number; readonly dueInMs?: number }
    output: { readonly paths: readonly WakePath[] }
  }
}

export interface RealtimeStatus {
  readonly health: WakeHealth
  /** Why it is degraded. */
  readonly cause?: string
  /** The healthy path whose hints are passed on at once. */
  readonly leader?: WakePath
  readonly paths: readonly {
    readonly path: WakePath
    readonly health: WakeHealth
    readonly cause?: string
    /** Round trip of the last canary of our own, in milliseconds. */
    readonly canaryMs?: number
  }[]
  /** Hints passed on, and payloads that were none or named a queue that nobody here works. */
  readonly hints: number
  readonly ignored: number
}
