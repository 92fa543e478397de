import type { ErrorSummary } from '../errors.ts'
import type { EpochMs } from './message.ts'

interface JobReference {
  readonly queue: string
  readonly id: string
  /** Which try this is, counting failures only: 1 for the first. */
  readonly attempt: number
}

export interface WorkerFacts {
  /** A handler begins. `waitedMs`: how long the job had been ready, by the database's clock. */
  'worker:job-started': JobReference & {
    readonly readCount: number
    readonly dueAt: EpochMs
    readonly waitedMs: number
  }
  /** The handler is done and the database knows it. */
  'worker:job-completed': JobReference & { readonly durationMs: number }
  /** The job goes back with a delay: it failed, timed out, or its handler asked for it. */
  'worker:job-retried': JobReference & {
    readonly cause: 'failed' | 'timed-out' | 'requested' | 'snoozed'
    readonly delayMs: number
    readonly error?: ErrorSummary
  }
  'worker:job-dead-lettered': JobReference & {
    readonly deadLetterQueue: string
    readonly reason: string
    readonly error?: ErrorSummary
  }
  /** The job goes back at once, attempt not spent. */
  'worker:job-released': JobReference & { readonly reason: string }
  /** The job is no longer ours: the handler's signal has fired, and whatever it still does is not recorded. */
  'worker:lease-lost': JobReference
  /** A read found nothing and nothing is in hand. Said once, until there is a job again. */
  'worker:queue-idled': { readonly queue: string }
  /**
   * False: reads have followed each other without a pause for a while, hints would add nothing. True: the next read may
   * wait for a hint. Until it is said for the first time, they are wanted.
   */
  'worker:wakeups-wanted': { readonly queue: string; readonly wanted: boolean }
  /** No more reads from this queue: by request, or because it cannot be worked for the moment. */
  'worker:queue-paused': {
    readonly queue: string
    readonly cause: 'requested' | 'unavailable'
    readonly message: string
  }
  'worker:queue-resumed': { readonly queue: string }
  'worker:worker-started': { readonly queues: readonly string[] }
  'worker:worker-stopped': { readonly queues: readonly string[] }
}

export interface WorkerRequests {
  'worker:status': { input: Record<never, never>; output: WorkerStatus }
  /** Stops reading; jobs in hand go on. Without a queue: all. */
  'worker:pause': { input: { readonly queue?: string }; output: { readonly queues: readonly string[] } }
  'worker:resume': { input: { readonly queue?: string }; output: { readonly queues: readonly string[] } }
  /**
   * Resolves when every queue is empty but for messages scheduled for later: nothing ready, nothing being worked by
   * anyone, no retry outstanding.
   */
  'worker:drain': { input: Record<never, never>; output: { readonly completed: number } }
}

export interface WorkerStatus {
  readonly state: 'starting' | 'running' | 'stopping' | 'stopped'
  /** True while polling is only the safety net, because a wake-up path has proven itself. */
  readonly wakeupsProven: boolean
  readonly queues: readonly QueueStatus[]
}

export interface QueueStatus {
  readonly queue: string
  readonly state: 'running' | 'paused' | 'unavailable'
  /** Handlers running. */
  readonly running: number
  /** Leased and not started yet. */
  readonly buffered: number
  readonly completed: number
  readonly retried: number
  readonly deadLettered: number
  readonly released: number
  readonly leasesLost: number
  /** Reads that asked the database, and those of them that found nothing. */
  readonly reads: number
  readonly emptyReads: number
  /** Hints for this queue. */
  readonly hints: number
}
