import type { Clock } from '../clock.ts'

export interface FakeClock extends Clock {
  /** Lets `ms` pass: timers fire in order, each followed by a turn of the event loop so that what they began goes on. */
  advance(ms: number): Promise<void>
  /** Timers that are armed. */
  readonly pending: number
}

/** A clock that stands still until it is advanced. */
export function fakeClock(startMs = 1_700_000_000_000): FakeClock {
  let elapsed = 0
  const timers = new Set<{ at: number; callback: () => void }>()
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
  const settle = async () => {
    for (let turns = 0; turns < 5; turns++) await turn()
  }
  return {
    now: () => startMs + elapsed,
    monotonic: () => elapsed,
    timer(delayMs, callback) {
      const timer = { at: elapsed + Math.max(delayMs, 0), callback }
      timers.add(timer)
      return { [Symbol.dispose]: () => void timers.delete(timer) }
    },
    async advance(ms) {
      const until = elapsed + ms
      await settle()
      for (;;) {
        const due = [...timers].filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0]
        if (due === undefined) break
        elapsed = Math.max(elapsed, due.at)
        timers.delete(due)
        due.callback()
        await settle()
      }
      elapsed = until
      await settle()
    },
    get pending() {
      return timers.size
    },
  }
}
