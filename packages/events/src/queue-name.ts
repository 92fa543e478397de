import { EventsError, eventsErrorCodes } from './errors.ts'

/**
 * Names AIMQ works with. Stricter than pgmq's own rule on purpose: pgmq lower-cases names in some places and not in
 * others and counts characters where PostgreSQL counts bytes, so `MyQ` and `myq` share one table, and 47 `é` do too.
 */
export const queueNamePattern: RegExp = /^[a-z][a-z0-9_]{0,46}$/

const deadLetterSuffix = '_dlq'

/** Throws `events/invalid-queue-name` unless `name` is usable; call it before a name gets anywhere near SQL. */
export function assertQueueName(name: unknown): asserts name is string {
  if (typeof name === 'string' && queueNamePattern.test(name)) return
  const shown =
    typeof name === 'string' ? JSON.stringify(name.slice(0, 80)) : `a value of type ${typeof name}`
  throw new EventsError(
    eventsErrorCodes.invalidQueueName,
    `expected a queue name of 1 to 47 characters: a lower-case letter, then lower-case letters, digits or _; got ${shown}${suggestion(name)}`,
  )
}

/** `<queue>_dlq`. Names too long for the suffix need a dead-letter queue given by hand. */
export function defaultDeadLetterQueue(queue: string): string {
  const name = queue + deadLetterSuffix
  if (queueNamePattern.test(name)) return name
  throw new EventsError(
    eventsErrorCodes.invalidQueueName,
    `queue "${queue}" is too long to add "${deadLetterSuffix}" to (47 characters at most); name its deadLetterQueue yourself`,
  )
}

function suggestion(name: unknown): string {
  if (typeof name !== 'string') return ''
  const near = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '_')
    .replace(/^[^a-z]+/, '')
    .slice(0, 47)
  return queueNamePattern.test(near) && near !== name ? `; try "${near}"` : ''
}
