import type { RealtimeOptions } from '@aimq/realtime'
import type { QueuePolicy } from '@aimq/worker'
import { type ChildProgram, startProgram } from './child-program.ts'

export interface WorkerProcessOptions {
  readonly url: string
  /** One queue or more. */
  readonly queue: string | readonly string[]
  readonly ledger: string
  readonly leaseMs?: number
  readonly concurrency?: number
  readonly policy?: Omit<QueuePolicy, 'backoff'>
  /** A failed job is tried again after so long. @default as the worker does by itself */
  readonly retryMs?: number
  readonly gracePeriodMs?: number
  readonly queryTimeoutMs?: number
  readonly realtime?: RealtimeOptions
  /** How long a handler takes; a payload's `ms` comes first. */
  readonly jobMs?: number
  /** The handler blocks the event loop so long, and until another process has the job, too; after as long as a job takes it throws. */
  readonly blockMs?: number
  /** `after-done`: kills itself once a handler has ended, before that can be settled. */
  readonly die?: 'after-done'
  /** How far its clock of the day is off. */
  readonly clockSkewMs?: number
  /** So often that clock jumps, from so far ahead to so far behind and back. @default never */
  readonly clockJumpEveryMs?: number
}

/** What a job's payload tells the handler of a worker process to do. */
export interface JobWish {
  /** Names the job in the ledger; without one its message id does. */
  readonly key?: string
  readonly ms?: number
  /** So many attempts fail before one goes well. */
  readonly fails?: number
  /** It goes to the dead-letter queue. */
  readonly dead?: boolean
  /** It kills its worker. */
  readonly poison?: boolean
}

export interface WorkerHealth {
  readonly rssBytes: number
  readonly heapBytes: number
  /** Processor time so far. */
  readonly cpuMs: number
  /** By how much timers were late since the last report, in the middle: at the end it tells of what else the machine does. */
  readonly loopDelayMs: number
  /** What keeps the process alive, by kind, as node tells it. */
  readonly resources: Readonly<Record<string, number>>
  readonly statements: number
  readonly wakeupsProven: boolean
}

export interface WorkerProcess extends ChildProgram {
  health(): Promise<WorkerHealth>
}

/** A real worker in a real process; resolves when it works. Killed when disposed. */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const program = await startProgram('worker-program.ts', options)
  return {
    ...program,
    async health() {
      const told = program.told('health')
      program.ask({ ask: 'health' })
      return (await told) as WorkerHealth
    },
  }
}
