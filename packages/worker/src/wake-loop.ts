import type { ProbeResult } from '@aimq/events'

/*
 * When to look at one queue, as a pure state machine; `queue-runner.ts` executes what it says.
 *
 * A look is a read (leases what is due) or a probe (only asks what is due). Between looks the loop waits until
 * `lookAt`, which only hints, timers that were asked for and answers of the database move:
 *
 *   start ──▶ read ──found──▶ read again at once, until one finds nothing
 *               └──nothing──▶ wait for the earliest of: the next due time (the database's clock said how long),
 *                             the confirming looks owed to a recent hint, one at once and one later, the poll interval
 *   hint  ──▶ look, spread over up to `herdMs` when hints have been finding nothing here (a peer was faster)
 *   error ──▶ wait with backoff; hints do not shorten it
 *
 * No hint is lost: each raises `reasons`, a look notes the number it began with, and a look that found nothing while
 * the number rose is followed by another. A hint is never trusted: when a second one in a row finds nothing and no new
 * message id, the next has to wait, and ever longer, up to two seconds. Only one that may tell of what was found just
 * before is not counted.
 *
 * While most reads find plenty the next one follows anyway, so that hints add nothing and only cost their senders:
 * after a second of that they are not wanted any more. A read that finds nothing is then followed by another a moment
 * later. Only when a few in a row find nothing, or too many on the whole, hints are wanted again, which is said before
 * the loop waits; whoever stopped hints in between answers that by another reason to look.
 */

export interface WakeState {
  /** Hints so far. */
  readonly hints: number
  /** Reasons to look so far, hints among them, and how many there were when the last look began. */
  readonly reasons: number
  readonly reasonsSeen: number
  /** A new hint has come since the last look began; and: the look under way, or the last one, followed from such a hint. */
  readonly hinted: boolean
  readonly woken: boolean
  /** Messages that hints told of and that nobody here found: since the last look began; and those it looks for. */
  readonly news: number
  readonly sought: number
  /** Messages found before a hint told of them, and when the last was found: their hints may be on the way. */
  readonly foreseen: number
  readonly foundAt: number
  /** Nobody gave a reason for the look under way, or the last one: it was time for one. */
  readonly unasked: boolean
  /**
   * Above 0: a job had been ready for a while and no hint told of it, so that whoever sends here does not broadcast,
   * or a trigger is missing. However healthy the path, polling is not the safety net then but the way jobs are found;
   * until so many finds in a row were told of.
   */
  readonly untold: number
  /** When to look next, on the monotonic clock. */
  readonly lookAt: number
  readonly look: 'read' | 'probe'
  /** Looks before this time are not allowed, whatever hints come: backoff after an error. */
  readonly blockedUntil: number
  readonly errors: number
  /** A look that a recent hint is still owed: the row may have become visible after the first one. */
  readonly confirmAt: number | null
  /** A look for hints of a time to come, and when the last one was. */
  readonly dueHintAt: number | null
  readonly dueHintSeenAt: number
  /** Over how long looks that follow a hint are spread, because peers were faster. */
  readonly herdMs: number
  /** Hints in a row, in quick succession, that found nothing and no new message. */
  readonly unjustified: number
  readonly hintedAt: number
  /** The newest message id the database has named, to tell a hint that meant something from one that did not. */
  readonly newestId: string | null
  /** Since when no wait was long; null: since nothing was found yet. */
  readonly flowingSince: number | null
  /** How many of the last looks did not find plenty, 0 … 1; older ones count less. */
  readonly scantShare: number
  /** Whether hints are of use. */
  readonly wanted: boolean
  /** Looks in a row that found nothing, and when the last of them ended. */
  readonly empty: number
  /** Looks in a row that left something due, because somebody had it locked: a peer's read, or a transaction left open. */
  readonly locked: number
  readonly emptyAt: number
  /** What is left of the allowance for looks that find nothing, and when that was. */
  readonly allowance: number
  readonly allowanceAt: number
}

export interface WakeConfig {
  readonly pollIntervalMs: number
  /** Look sooner at first after the queue ran empty, because jobs come in bursts and no hint is to be had. */
  readonly eager: boolean
}

/** Where and when a step is taken; `random` in 0 … 1. */
export interface Moment {
  readonly now: number
  readonly random: () => number
}

/** What a hint says beside that there is work. */
export interface HintSaid {
  /** @default 1 */
  readonly count?: number
  readonly dueInMs?: number
  readonly repeated?: boolean
}

export type NextLook = { readonly kind: 'read' | 'probe' } | { readonly kind: 'wait'; readonly until: number }

/** How long after a hint its last confirming look is due. */
export const confirmAfterMs = 300
/** A hint may run ahead of the commit it tells of, mostly by less than that. */
export const confirmSoonAfterMs = 8
/** A message that is due and yet was not read is locked by a peer that is just reading it. */
const lockedRetryMs = { min: 75, max: 1000 }
const maxHerdMs = 100
const maxUnjustifiedWaitMs = 2000
/** Hints farther apart than that are not held against one another. */
const leisureMs = 2500
/** Workers that wait for the same due time spread over so long: nearly at once, unless peers have shown themselves. */
const dueJitterMs = { alone: 1, amongPeers: 25 }
/** Hints of a time to come are no reason to look more often: the look before has told when something is due. */
const dueHintEveryMs = 1000
const firstPollMs = 50
/** Looks that find nothing: this many at once, then so many a millisecond; and a few more for each that found something. */
const allowance = { burst: 2, perMs: 40 / 1000, perFind: 3, most: 10 }
/** A hint comes within milliseconds, or never. */
const hintLatenessMs = 1000
const findsToTrustHints = 10
/** How long after a job was found its hint may yet come, and of how many at most: a notification takes its own way. */
const hintLagMs = 50
const mostForeseen = 10
/** So many messages at once are plenty, or all that were asked for. Fewer, and a pause would be what fills the next read. */
const plentyFrom = 2
/** What makes hints unwanted: reads following each other for so long, and few of them scant. */
const flow = { afterMs: 1000, gapMs: 100, scantShare: 0.25 }
/** What makes them wanted again: this many reads in a row in vain, so far apart, or so many of the last. */
const ebb = { lingerMs: [5, 15], scantShare: 0.45 }
/** What one look counts among the last. */
const shareOfOne = 0.1
const errorBackoffMs = { min: 200, max: 5000 }

export function initialWakeState(now: number): WakeState {
  return {
    hints: 0,
    reasons: 0,
    reasonsSeen: 0,
    hinted: false,
    woken: false,
    news: 0,
    sought: 0,
    foreseen: 0,
    foundAt: Number.NEGATIVE_INFINITY,
    unasked: false,
    untold: 0,
    lookAt: now,
    look: 'read',
    blockedUntil: now,
    errors: 0,
    confirmAt: null,
    dueHintAt: null,
    dueHintSeenAt: Number.NEGATIVE_INFINITY,
    herdMs: 0,
    unjustified: 0,
    hintedAt: Number.NEGATIVE_INFINITY,
    newestId: null,
    flowingSince: null,
    scantShare: 1,
    wanted: true,
    empty: 0,
    locked: 0,
    emptyAt: now,
    allowance: allowance.burst,
    allowanceAt: now,
  }
}

/** What to do now. */
export function nextLook(state: WakeState, now: number): NextLook {
  const allowedAt = state.empty === 0 ? now : now + (1 - allowanceNow(state, now)) / allowance.perMs
  const until = Math.max(state.lookAt, state.blockedUntil, allowedAt)
  return until <= now ? { kind: state.look } : { kind: 'wait', until }
}

/**
 * Somebody says there is work, now or in `dueInMs`. A time to come is looked at when it comes, and once soon: only the
 * database knows by its own clock. One that is `repeated`, or may tell of what was just found, is looked into like any
 * other, but when it finds nothing, no peer was faster.
 */
export function onHint(
  state: WakeState,
  { now, random }: Moment,
  { count = 1, dueInMs = 0, repeated = false }: HintSaid = {},
): WakeState {
  if (dueInMs > 0) return onDueHint(state, { now, random }, dueInMs)
  const beyond = repeated ? 0 : count - foreseenNow(state, now)
  const next = {
    ...state,
    hints: state.hints + 1,
    reasons: state.reasons + 1,
    hintedAt: now,
    // Honest hints for jobs that a peer took look like forged ones; but they do not come by the dozen.
    unjustified: now - state.hintedAt > leisureMs ? 0 : state.unjustified,
  }
  const spread = Math.max(random() * state.herdMs, unjustifiedWait(next))
  return {
    ...next,
    hinted: state.hinted || !repeated,
    news: state.news + Math.max(0, beyond),
    foreseen: repeated ? state.foreseen : Math.max(0, -beyond),
    look: lookFor(state, now),
    lookAt: Math.min(state.lookAt, now + spread),
    // After the last hint of a burst: an earlier one's may come before the row of this one can be seen.
    confirmAt: now + Math.max(confirmAfterMs, unjustifiedWait(next)),
  }
}

function onDueHint(state: WakeState, { now, random }: Moment, dueInMs: number): WakeState {
  const again = state.dueHintSeenAt + dueHintEveryMs
  const soonest = now + Math.min(dueInMs + dueJitter(state, random), confirmAfterMs)
  const dueHintAt = Math.min(state.dueHintAt ?? Number.POSITIVE_INFINITY, Math.max(soonest, again))
  return {
    ...state,
    hints: state.hints + 1,
    hintedAt: now,
    dueHintAt,
    look: lookFor(state, now),
    lookAt: Math.min(state.lookAt, dueHintAt),
    confirmAt: Math.max(state.confirmAt ?? 0, now + confirmAfterMs, again),
  }
}

/** A look that follows a hint only asks, where peers have been faster before. */
function lookFor(state: WakeState, now: number): 'read' | 'probe' {
  return state.herdMs > 0 && state.lookAt > now ? 'probe' : state.look
}

/** We know ourselves that there is reason to look at `at`: a job we put back, a change of health, a resume. */
export function lookBy(state: WakeState, at: number): WakeState {
  return { ...state, reasons: state.reasons + 1, look: 'read', lookAt: Math.min(state.lookAt, at) }
}

export function onLookBegan(state: WakeState, now: number): WakeState {
  const confirmed = state.confirmAt !== null && state.confirmAt <= now
  return {
    ...state,
    reasonsSeen: state.reasons,
    woken: state.hinted,
    hinted: false,
    sought: state.sought + state.news,
    news: 0,
    // Hints that nobody wanted were not missed.
    unasked: state.wanted && state.reasons === state.reasonsSeen && state.empty > 0,
    confirmAt: confirmed ? null : state.confirmAt,
    dueHintAt: null,
    dueHintSeenAt: state.dueHintAt === null ? state.dueHintSeenAt : now,
    allowance: allowanceNow(state, now) - 1,
    allowanceAt: now,
  }
}

/** What a read brought. */
export interface Find {
  readonly count: number
  /** How many it asked for. */
  readonly asked: number
  /** How long the message that was ready the longest had been so. */
  readonly waitedMs: number
}

/** A read found messages: the next read follows at once. */
export function onFound(state: WakeState, now: number, { count, asked, waitedMs }: Find): WakeState {
  const plenty = count >= Math.min(asked, plentyFrom)
  // What was found was told of, or will be.
  const beyondSought = foreseenNow(state, now) + count - state.sought
  const beyondNews = Math.max(0, beyondSought) - state.news
  const missed = state.unasked && waitedMs > hintLatenessMs
  const rested = state.empty > 0 && now - state.emptyAt > flow.gapMs
  const flowingSince = rested ? now : (state.flowingSince ?? now)
  const scantShare = state.scantShare * (1 - shareOfOne) + (plenty ? 0 : shareOfOne)
  return {
    ...state,
    sought: Math.max(0, -beyondSought),
    news: Math.max(0, -beyondNews),
    foreseen: Math.min(mostForeseen, Math.max(0, beyondNews)),
    foundAt: now,
    unasked: false,
    untold: missed ? findsToTrustHints : state.woken ? Math.max(0, state.untold - 1) : state.untold,
    flowingSince,
    scantShare,
    wanted: state.wanted && (now - flowingSince < flow.afterMs || scantShare > flow.scantShare),
    errors: 0,
    look: 'read',
    lookAt: now,
    unjustified: 0,
    empty: 0,
    locked: 0,
    herdMs: state.herdMs < 4 ? 0 : state.herdMs / 2,
    allowance: Math.min(allowance.most, Math.max(0, state.allowance) + allowance.perFind),
  }
}

/** A read found nothing, or a probe says how it stands. */
export function onNothing(
  state: WakeState,
  next: ProbeResult,
  config: WakeConfig,
  moment: Moment,
): WakeState {
  const { now, random } = moment
  const somethingNew = next.newestId !== null && next.newestId !== state.newestId
  // A probe that sees something due is followed by the read it stood in for, which tells whether the hint was any good.
  if (state.look === 'probe' && next.nextDueInMs !== null && next.nextDueInMs <= 0) {
    return { ...state, errors: 0, hinted: state.hinted || state.woken, look: 'read', lookAt: now }
  }
  const inVain = state.woken && state.sought > 0
  const scantShare = state.scantShare * (1 - shareOfOne) + shareOfOne
  const lingerMs = state.wanted || scantShare > ebb.scantShare ? undefined : ebb.lingerMs[state.empty]
  const settled: WakeState = {
    ...(state.wanted || lingerMs !== undefined ? state : onLull(state)),
    scantShare,
    errors: 0,
    newestId: next.newestId ?? state.newestId,
    empty: state.empty + 1,
    locked: next.nextDueInMs !== null && next.nextDueInMs <= 0 ? state.locked + 1 : 0,
    emptyAt: now,
    sought: 0,
    herdMs: inVain ? Math.min(maxHerdMs, 2 * state.herdMs + 2) : state.herdMs,
    unjustified: !state.woken ? state.unjustified : somethingNew ? 0 : state.unjustified + (inVain ? 1 : 0),
  }
  if (lingerMs !== undefined) return { ...settled, look: 'read', lookAt: now + lingerMs }
  // A hint came while we looked: the look may have been too early for it.
  if (state.reasons !== state.reasonsSeen) {
    return {
      ...settled,
      look: settled.herdMs > 0 ? 'probe' : 'read',
      lookAt: now + unjustifiedWait(settled),
    }
  }
  const due =
    next.nextDueInMs === null
      ? Number.POSITIVE_INFINITY
      : next.nextDueInMs > 0
        ? next.nextDueInMs + dueJitter(state, random)
        : Math.min(lockedRetryMs.max, lockedRetryMs.min * 2 ** Math.min(state.locked, 16))
  const eagerly = config.eager ? firstPollMs * 2 ** Math.min(state.empty, 16) : Number.POSITIVE_INFINITY
  const poll = Math.min(config.pollIntervalMs, eagerly) * (0.9 + 0.2 * random())
  const confirm = state.confirmAt === null ? Number.POSITIVE_INFINITY : state.confirmAt - now
  // Where peers were faster that is the likelier reason, and where hints keep finding nothing, that they are forged.
  const soon =
    state.woken && settled.unjustified <= 1 && state.herdMs === 0
      ? confirmSoonAfterMs
      : Number.POSITIVE_INFINITY
  // Of a hint that came while we looked.
  const dueHint = state.dueHintAt === null ? Number.POSITIVE_INFINITY : state.dueHintAt - now
  const wait = Math.max(0, Math.min(due, poll, confirm, soon, dueHint))
  const look = wait === confirm && settled.herdMs > 0 ? 'probe' : 'read'
  return { ...settled, look, lookAt: now + wait }
}

/** The next look may have to wait for a hint, or nobody looks for a while. */
export function onLull(state: WakeState): WakeState {
  return { ...state, flowingSince: null, wanted: true }
}

/** Settlements went through without a look: the database answers. */
export function onSettled(state: WakeState): WakeState {
  return state.errors === 0 ? state : { ...state, errors: 0 }
}

/** The database did not answer, or refused. Hints do not shorten the wait that follows. */
export function onError(state: WakeState, { now, random }: Moment): WakeState {
  const errors = state.errors + 1
  const ceiling = Math.min(errorBackoffMs.max, errorBackoffMs.min * 2 ** Math.min(errors, 16))
  const until = now + Math.max(errorBackoffMs.min, ceiling * (0.5 + 0.5 * random()))
  return { ...onLull(state), errors, look: 'read', lookAt: until, blockedUntil: until }
}

function foreseenNow(state: WakeState, now: number): number {
  return now - state.foundAt > hintLagMs ? 0 : state.foreseen
}

function unjustifiedWait(state: WakeState): number {
  // One in a row is nothing: its job may have been taken, or it told of a silence that is over.
  return state.unjustified <= 1
    ? 0
    : Math.min(25 * 2 ** Math.min(state.unjustified, 16), maxUnjustifiedWaitMs)
}

function allowanceNow(state: WakeState, now: number): number {
  const refilled = state.allowance + (now - state.allowanceAt) * allowance.perMs
  return Math.max(state.allowance, Math.min(allowance.burst, refilled))
}

function dueJitter({ herdMs }: WakeState, random: () => number): number {
  return random() * (herdMs > 0 ? dueJitterMs.amongPeers : dueJitterMs.alone)
}
