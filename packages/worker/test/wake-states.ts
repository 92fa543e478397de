import { initialWakeState, nextLook, onLookBegan, onNothing, type WakeState } from '../src/wake-loop.ts'

/* States of the wake-up loop that its tests begin with, and what a step of it is given. */

export const proven = { pollIntervalMs: 30_000, eager: false }
export const unproven = { pollIntervalMs: 1000, eager: true }
export const at = (now: number, random = 0.5) => ({ now, random: () => random })
export const empty = { nextDueInMs: null, newestId: null }
export const one = { count: 1, asked: 1, waitedMs: 0 }

/** A loop that has looked once, found nothing, and waits. */
export function idle(
  config = proven,
  next: { nextDueInMs: number | null; newestId: string | null } = empty,
): WakeState {
  return onNothing(onLookBegan(initialWakeState(0), 0), next, config, at(0))
}

/** How long until the loop looks; 0: it looks now. */
export const waitOf = (state: WakeState, now = 0): number => {
  const next = nextLook(state, now)
  return next.kind === 'wait' ? next.until - now : 0
}
