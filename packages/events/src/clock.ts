/** Time as the packages see it, so that a test can hold it. */
export interface Clock {
  /** Epoch milliseconds; may jump. Only for showing, never for measuring. */
  now(): number
  /** Milliseconds that only go forward; leases are measured with this. */
  monotonic(): number
  /** Calls `callback` once after `delayMs`; disposing cancels. Long delays are clamped to {@link maxTimerMs}. */
  timer(delayMs: number, callback: () => void): Disposable
}

/** A longer `setTimeout` fires at once: Node keeps the delay in 31 bits. */
export const maxTimerMs: number = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(delayMs, callback) {
    const handle = setTimeout(callback, Math.min(Math.max(delayMs, 0), maxTimerMs))
    return { [Symbol.dispose]: () => clearTimeout(handle) }
  },
}
