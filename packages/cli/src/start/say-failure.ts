import { redact } from '@aimq/events'

/** What throws once can throw a thousand times before everything has stopped. */
let left = 3

/** An error nobody expected, on stderr: the one case where a stack helps, because it is a bug, here or in a handler. */
export function sayFailure(thrown: unknown, name: string): void {
  if (left-- <= 0) return
  if ((thrown as NodeJS.ErrnoException | null)?.code === 'EPIPE') {
    process.stderr.write(`${name}: stdout was closed; stopping\n`)
    return
  }
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  process.stderr.write(`${name}: an error that nobody handled; stopping\n${redact(text)}\n`)
}
