import type { EpochMs } from './message.ts'

export interface JobFacts {
  /**
   * The wake-up hint: look at this queue again. Anyone may emit it, and nobody may trust it: it is never a job, and
   * its fields only decide how soon and how many look.
   */
  'job:enqueued': {
    readonly queue: string
    /** How many messages came. */
    readonly count?: number
    /** The earliest time one of them is due; absent: now. */
    readonly dueAt?: EpochMs
    /** Who says so: `client`, `worker`, `listen`, `supabase`, … */
    readonly source: string
    /** Said before: its sender kept silent since, and there may be nothing new. */
    readonly repeated?: boolean
  }
}
