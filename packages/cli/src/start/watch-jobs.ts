import type { Bus, ErrorSummary } from '@aimq/events'

/** A handler's own words about a job: what it found or did, for people. */
export type Note = (job: { readonly queue: string; readonly id: string }, text: string) => void

/** One try of one job, from start to outcome. */
export interface EndedJob {
  readonly queue: string
  readonly id: string
  readonly attempt: number
  readonly outcome: 'completed' | 'retried' | 'dead-lettered' | 'released' | 'lease-lost'
  /** How long the job had been ready when it started; undefined when it never ran. */
  readonly waitedMs?: number | undefined
  readonly durationMs?: number | undefined
  /** Retried: until the next try. */
  readonly delayMs?: number | undefined
  readonly reason?: string | undefined
  readonly error?: ErrorSummary | undefined
  readonly note?: string | undefined
}

type Ending = Pick<EndedJob, 'queue' | 'id' | 'attempt' | 'durationMs' | 'delayMs' | 'reason' | 'error'>

/** Joins the worker's facts about a try into one. */
export function watchJobs(bus: Bus, onEnded: (job: EndedJob) => void): { readonly note: Note } {
  const inHand = new Map<string, { waitedMs: number; startedAt: number; note: string | undefined }>()
  const key = (job: { queue: string; id: string }) => `${job.queue}/${job.id}`

  // Field by field, here and in what is made of it: for every job, a copy of an object takes several times as much.
  function ended(outcome: EndedJob['outcome'], ending: Ending): void {
    const started = inHand.get(key(ending))
    inHand.delete(key(ending))
    const { queue, id, attempt, delayMs, reason, error } = ending
    const durationMs = ending.durationMs ?? (started && performance.now() - started.startedAt)
    const { waitedMs, note } = started ?? {}
    onEnded({ queue, id, attempt, outcome, waitedMs, durationMs, delayMs, reason, error, note })
  }

  bus.on('worker:job-started', (job) => {
    inHand.set(key(job), { waitedMs: job.waitedMs, startedAt: performance.now(), note: undefined })
  })
  bus.on('worker:job-completed', (job) => ended('completed', job))
  bus.on('worker:job-retried', (job) => ended('retried', { ...job, reason: job.cause }))
  bus.on('worker:job-dead-lettered', (job) => ended('dead-lettered', job))
  bus.on('worker:job-released', (job) => ended('released', job))
  bus.on('worker:lease-lost', (job) => ended('lease-lost', job))
  return {
    note(job, text) {
      const started = inHand.get(key(job))
      if (started !== undefined) started.note = text
    },
  }
}
