import { deadLetter, type Job } from '@aimq/worker'

/** Works the queue "emails": the name of the file is the name of the queue. */
export default async ({ payload, attempt, signal }: Job<{ to: string }>) => {
  // What cannot succeed is not tried again: it goes to emails_dlq, where `aimq dlq show emails` shows it.
  if (!payload.to?.includes('@')) return deadLetter({ reason: `${payload.to} is no address` })
  // What throws is tried again, later and later. A job may run twice, so make it safe to; pass `signal` on to what can
  // be stopped, such as fetch.
  signal.throwIfAborted()
  console.log(`dear ${payload.to} (attempt ${attempt})`)
}
