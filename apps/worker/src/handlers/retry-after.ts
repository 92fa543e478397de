/** Nobody may park a job for longer than this by a header. */
export const maxRetryAfterSeconds = 3600

/**
 * A `Retry-After` header in seconds from now: `120`, or an HTTP date. At least one second, so that `0` and dates gone
 * by do not make a hot loop; undefined when there is none that can be read.
 */
export function retryAfterSeconds(header: string | null, nowMs: number): number | undefined {
  const value = header?.trim() ?? ''
  // Date.parse reads almost anything; an HTTP date begins with the day of the week.
  const seconds = /^\d+$/.test(value)
    ? Number(value)
    : /^[A-Z][a-z]{2,8},? /.test(value)
      ? (Date.parse(value) - nowMs) / 1000
      : Number.NaN
  if (Number.isNaN(seconds)) return undefined
  return Math.min(Math.max(Math.ceil(seconds), 1), maxRetryAfterSeconds)
}
