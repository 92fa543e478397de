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
  readonly waitedMs?: number
  readonly durationMs?: number
  /** Retried: until the next try. */
  readonly delayMs?: number
  readonly reason?: string
  readonly error?: ErrorSummary
  readonly note?: string
}

type Ending = Omit<EndedJob, 'waitedMs' | 'durationMs' | 'note'> & { readonly durationMs?: number }

/** Joins the worker's facts about a try into one. */
export function watchJobs(bus: Bus, onEnded: (job: EndedJob) => void): { readonly note: Note } {
  const inHand = new Map<string, { waitedMs: number; startedAt: number; note?: string }>()
  const key = (job: { queue: string; id: string }) => `${job.queue}/${job.id}`

  function ended(ending: Ending): void {
    const started = inHand.get(key(ending))
    inHand.delete(key(ending))
    const measured = started && {
      waitedMs: started.waitedMs,
      durationMs: performance.now() - started.startedAt,
    }
    onEnded({ ...measured, ...(started?.note === undefined ? {} : { note: started.note }), ...ending })
  }

  bus.on('worker:job-started', (job) => {
    inHand.set(key(job), { waitedMs: job.waitedMs, startedAt: performance.now() })
  })
  bus.on('worker:job-completed', (job) => ended({ ...job, outcome: 'completed' }))
  bus.on('worker:job-retried', ({ cause, ...job }) => ended({ ...job, outcome: 'retried', reason: cause }))
  bus.on('worker:job-dead-lettered', ({ deadLetterQueue: _, ...job }) =>
    ended({ ...job, outcome: 'dead-lettered' }),
  )
  bus.on('worker:job-released', (job) => ended({ ...job, outcome: 'released' }))
  bus.on('worker:lease-lost', (job) => ended({ ...job, outcome: 'lease-lost' }))
  return {
    note(job, text) {
      const started = inHand.get(key(job))
      if (started !== undefined) started.note = text
    },
  }
}
