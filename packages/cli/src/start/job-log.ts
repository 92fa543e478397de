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
export function logJob(log: Logger, { outcome, note: _, waitedMs, durationMs, ...job }: EndedJob): void {
  const [level, message] = lines[outcome]
  log[level]({ ...job, ...rounded({ waitedMs, durationMs }) }, message)
}

/** To a tenth of a millisecond; without what was not measured. */
function rounded(times: Record<string, number | undefined>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(times).flatMap(([name, ms]) =>
      ms === undefined ? [] : [[name, Math.round(ms * 10) / 10]],
    ),
  )
}
