import { type LeasedMessage, type MessageHeaders, messageHeader } from '@aimq/events'

/** What a message has been through, each kind of delivery counted apart. */
export interface AttemptCounts {
  readonly failures: number
  readonly releases: number
  readonly snoozes: number
  /** Earlier deliveries that nobody accounted for: the worker died, or its lease ran out. */
  readonly crashes: number
}

const none: AttemptCounts = { failures: 0, releases: 0, snoozes: 0, crashes: 0 }

/** The counts in a message's headers; whatever else stands in those headers counts as zero. */
export function countAttempts(message: Pick<LeasedMessage, 'headers' | 'readCount'>): AttemptCounts {
  if (message.headers === null && message.readCount === 1) return none
  const failures = countIn(message.headers, messageHeader.failures)
  const releases = countIn(message.headers, messageHeader.releases)
  const snoozes = countIn(message.headers, messageHeader.snoozes)
  const crashes = Math.max(0, message.readCount - 1 - failures - releases - snoozes)
  return { failures, releases, snoozes, crashes }
}

function countIn(headers: MessageHeaders | null, name: string): number {
  const value = headers?.[name]
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}
