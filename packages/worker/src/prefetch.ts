/** Leasing ahead covers this much work at the pace of the moment, so that a crash strands about as little. */
const horizonMs = 100

/**
 * How many messages to hold beyond the free slots: what the queue finished per millisecond since the last read, times
 * a tenth of a second; and at most four times what it finished, so that a burst of quick jobs in front of slow ones
 * leases few of those. Twice would not grow: of two statements under way each brings half. A queue of slow jobs gets none.
 *
 * @param elapsedMs without the time in which handlers waited for messages
 */
export function prefetchTarget(finished: number, elapsedMs: number, maxPrefetch: number): number {
  if (finished === 0) return 0
  return Math.min(maxPrefetch, 4 * finished, Math.floor((finished / elapsedMs) * horizonMs))
}
