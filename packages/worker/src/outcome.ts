const outcomeTag: unique symbol = Symbol.for('aimq.outcome')

/** What a handler may answer instead of being done. Anything else it returns, `undefined` included, means done. */
export type Outcome =
  | {
      readonly [outcomeTag]: true
      readonly kind: 'retry'
      readonly delaySeconds?: number
      readonly reason?: string
    }
  | { readonly [outcomeTag]: true; readonly kind: 'dead-letter'; readonly reason: string }
  | { readonly [outcomeTag]: true; readonly kind: 'snooze'; readonly delaySeconds: number }

/** Try again. Spends an attempt, like a throw. Without a delay the queue's backoff decides. */
export function retry(options: { delaySeconds?: number; reason?: string } = {}): Outcome {
  return { [outcomeTag]: true, kind: 'retry', ...options }
}

/** Give up now: move the job to its dead-letter queue, whatever attempts are left. */
export function deadLetter(options: { reason: string }): Outcome {
  return { [outcomeTag]: true, kind: 'dead-letter', ...options }
}

/** Not yet: come back after the delay. Spends no attempt. */
export function snooze(options: { delaySeconds: number }): Outcome {
  return { [outcomeTag]: true, kind: 'snooze', ...options }
}

/** The outcome a handler answered, if it is one. Told by a registered symbol, so that two copies of this package agree. */
export function asOutcome(value: unknown): Outcome | undefined {
  return typeof value === 'object' && value !== null && outcomeTag in value ? (value as Outcome) : undefined
}
