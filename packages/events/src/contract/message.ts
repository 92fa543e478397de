/**
 * All times on the bus are epoch milliseconds by the database's clock, with microseconds in the fraction: a number that
 * PostgreSQL's `timestamptz` survives the way into and back unchanged.
 */
export type EpochMs = number

/** What fences a message: it is still ours only while all three are unchanged. */
export interface Lease {
  /** pgmq's `msg_id`, as an opaque string. */
  readonly id: string
  /** pgmq's `read_ct`: how often the message was read, by whomever. */
  readonly readCount: number
  readonly enqueuedAt: EpochMs
}

export type MessageHeaders = Readonly<Record<string, unknown>>

/** A message as it stands in its queue. */
export interface Message extends Lease {
  readonly payload: unknown
  readonly headers: MessageHeaders | null
}

/** A message just read: ours until its lease ends. */
export interface LeasedMessage extends Message {
  /** When it became visible: sent, or due after a delay, a retry or a lost lease. */
  readonly dueAt: EpochMs
}

/** A message looked at without reading it. */
export interface PeekedMessage extends Message {
  /** When it is visible next; in the past: ready now. */
  readonly visibleAt: EpochMs
  /** When it was archived; null while it is in the queue. */
  readonly archivedAt: EpochMs | null
}

/**
 * Headers AIMQ writes. Failures, releases and snoozes are counted apart, so that what is left of the read count is what
 * crashes and lost leases have cost.
 */
export const messageHeader = {
  /** How often a handler failed. */
  failures: 'x-aimq-failures',
  /** How often a worker handed the message back unfinished: shutdown, overload. */
  releases: 'x-aimq-releases',
  /** How often a handler put the message off by its own wish. */
  snoozes: 'x-aimq-snoozes',
  /** The last failure, `{ code, message }`. */
  lastError: 'x-aimq-last-error',
  /** Why it is to go to its dead-letter queue without being run again: its worker stopped before it could move it. */
  givenUp: 'x-aimq-given-up',
  /** On a dead-letter queue: where the message came from and why. See {@link DeadLetterHeader}. */
  deadLetter: 'x-aimq-dead-letter',
} as const

/** The value of `x-aimq-dead-letter`. */
export interface DeadLetterHeader {
  readonly queue: string
  readonly id: string
  readonly readCount: number
  readonly enqueuedAt: EpochMs
  readonly deadLetteredAt: EpochMs
  readonly reason: string
  readonly error?: { readonly code: string; readonly message: string }
}
