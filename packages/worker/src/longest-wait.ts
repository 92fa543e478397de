import type { ReadResult } from '@aimq/events'

/** Of messages read for the first time: what came back was awaited, and nobody tells of it twice. */
export function longestWaitMs({ messages, readAt }: ReadResult): number {
  let longest = 0
  for (const { readCount, dueAt } of messages) {
    if (readCount === 1) longest = Math.max(longest, readAt - dueAt)
  }
  return longest
}
