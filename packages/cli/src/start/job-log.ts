import type { Logger } from '@aimq/events'
import type { EndedJob } from './watch-jobs.ts'

const lines = {
  completed: ['info', 'job completed'],
  released: ['info', 'job handed back'],
  retried: ['warn', 'job will be tried again'],
  'lease-lost': ['warn', 'job is no longer ours'],
  'dead-lettered': ['error', 'job moved to its dead-letter queue'],
} as const satisfies Record<EndedJob['outcome'], readonly [keyof Logger, string]>

/** One structured line per try. Never what is in the job: payloads hold personal data. */
export function logJob(log: Logger, job: EndedJob): void {
  const { queue, id, attempt, delayMs, reason, error } = job
  const [level, message] = lines[job.outcome]
  const [waitedMs, durationMs] = [tenths(job.waitedMs), tenths(job.durationMs)]
  log[level]({ queue, id, attempt, delayMs, reason, error, waitedMs, durationMs }, message)
}

/** To a tenth of a millisecond; nothing of what was not measured. */
const tenths = (ms: number | undefined): number | undefined => ms && Math.round(ms * 10) / 10
