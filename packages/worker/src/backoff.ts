/** Milliseconds to wait after the given number of failures (1 after the first). */
export type Backoff = (failures: number, random?: () => number) => number

/**
 * Exponential backoff with jitter: `min(max, base · 2ⁿ⁻¹ · 2) · (0.5 … 1)`. With the defaults a first retry comes
 * after 1 to 2 seconds, the tenth after about a quarter of an hour, none after more than an hour.
 */
export function exponentialBackoff(options: { baseMs?: number; maxMs?: number } = {}): Backoff {
  const { baseMs = 1000, maxMs = 3_600_000 } = options
  return (failures, random = Math.random) => {
    const ceiling = Math.min(maxMs, baseMs * 2 ** Math.max(failures, 0))
    return ceiling * (0.5 + 0.5 * random())
  }
}
