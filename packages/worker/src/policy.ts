import { type Backoff, exponentialBackoff } from './backoff.ts'

/** How one queue is worked. */
export interface QueuePolicy {
  /** Handlers that run at once, in this worker. @default 10 */
  readonly concurrency?: number
  /** Failures before a job goes to the dead-letter queue. @default 10 */
  readonly maxAttempts?: number
  /**
   * Deliveries that ended in a crash or a lost lease before a job goes to the dead-letter queue without being run
   * again; counted apart from failures. @default 10
   */
  readonly maxCrashes?: number
  /** Longest a handler may run before its signal aborts and the try counts as failed. @default 900_000 (15 minutes) */
  readonly timeoutMs?: number
  /**
   * Visibility timeout of a read, renewed every third of it while the job is in hand: what a crash costs at most.
   * @default 30_000
   */
  readonly leaseMs?: number
  /** @default exponentialBackoff(): min(1 h, 2ⁿ s) · (0.5 … 1) */
  readonly backoff?: Backoff
  /** What becomes of a completed message. @default 'archive' */
  readonly onComplete?: 'archive' | 'delete'
  /** Most messages leased ahead of free slots; fewer when the queue is slow, none when it is very slow. @default 2000 */
  readonly maxPrefetch?: number
}

export type ResolvedPolicy = Required<QueuePolicy>

export const policyDefaults: ResolvedPolicy = {
  concurrency: 10,
  maxAttempts: 10,
  maxCrashes: 10,
  timeoutMs: 900_000,
  leaseMs: 30_000,
  backoff: exponentialBackoff(),
  onComplete: 'archive',
  maxPrefetch: 2000,
}

/** Without keys that are present but `undefined`, which would hide a default. */
export function given(policy: QueuePolicy): QueuePolicy {
  return Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined))
}
