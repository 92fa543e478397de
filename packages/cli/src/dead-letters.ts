import { type DeadLetterHeader, messageHeader, type PeekedMessage } from '@aimq/events'

/** A dead letter, as a person wants to read it. What does not say where it came from has only its own id. */
export interface DeadLetter {
  readonly id: string
  readonly from: string | null
  readonly originalId: string | null
  readonly reason: string
  readonly error: { readonly code: string; readonly message: string } | null
  readonly readCount: number
  readonly failures: number
  readonly deadLetteredAt: number
  readonly payload: unknown
  readonly headers: PeekedMessage['headers']
}

/** Headers are data that anybody may have written, so nothing of them is taken for granted. */
export function readDeadLetter({ id, payload, headers, enqueuedAt }: PeekedMessage): DeadLetter {
  const header = asRecord(headers?.[messageHeader.deadLetter]) as Partial<DeadLetterHeader>
  const error = asRecord(header.error ?? headers?.[messageHeader.lastError])
  return {
    id,
    from: typeof header.queue === 'string' ? header.queue : null,
    originalId: typeof header.id === 'string' ? header.id : null,
    reason: typeof header.reason === 'string' ? header.reason : 'it does not say why',
    error:
      typeof error.message === 'string'
        ? { code: typeof error.code === 'string' ? error.code : 'Error', message: error.message }
        : null,
    readCount: asCount(header.readCount),
    failures: asCount(headers?.[messageHeader.failures]),
    deadLetteredAt: isTime(header.deadLetteredAt) ? header.deadLetteredAt : enqueuedAt,
    payload,
    headers,
  }
}

/** It says which queue it was given up in. */
export const isDeadLetter = ({ headers }: Pick<PeekedMessage, 'headers'>): boolean =>
  typeof asRecord(headers?.[messageHeader.deadLetter]).queue === 'string'

const asCount = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0

/** One that a date can show: JSON has numbers that no calendar reaches. */
const isTime = (value: unknown): value is number =>
  typeof value === 'number' && !Number.isNaN(new Date(value).getTime())

const asRecord = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
