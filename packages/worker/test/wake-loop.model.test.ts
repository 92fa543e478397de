import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  initialWakeState,
  lookBy,
  nextLook,
  onError,
  onFound,
  onHint,
  onLookBegan,
  onNothing,
  type WakeState,
} from '../src/wake-loop.ts'

/*
 * The loop against a model of the database, under every interleaving fast-check can think of: messages are committed
 * with and without a delay, hints arrive at once, late, twice or never, looks take time and see the database as it was
 * at any moment in between, a peer holds a row and lets it go, statements fail.
 *
 * What must hold: a message that is visible, and whose hint arrived, is read within seconds although the poll interval
 * is half a minute; one whose hint was lost is read within the poll interval.
 */

const pollIntervalMs = 30_000
const config = { pollIntervalMs, eager: false }
/** Distrust (2 s), the confirming look, its jitter, a look under way (0.2 s) and an error's backoff (5 s) on top of one another. */
const hintedBoundMs = 2000 + 300 + 25 + 200 + 200
const errorBoundMs = 5000

interface ModelMessage {
  readonly id: number
  visibleAt: number
  /** When other sessions see it; a hint may be faster. */
  readonly committedAt: number
  /** When its hint arrived after its commit; undefined: lost. */
  hintedAt: number | undefined
  lockedUntil: number
}

type Step =
  | { kind: 'pass'; ms: number }
  | { kind: 'send'; delayMs: number; hint: 'at-once' | 'late' | 'early' | 'lost'; lateMs: number }
  | { kind: 'forged' }
  | { kind: 'peer-locks'; ms: number }
  | { kind: 'fail-next' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), ms: fc.oneof(fc.nat(5), fc.nat(400), fc.nat(40_000)) }),
  fc.record({
    kind: fc.constant('send' as const),
    delayMs: fc.oneof(fc.constant(0), fc.nat(5000)),
    hint: fc.constantFrom('at-once' as const, 'late' as const, 'early' as const, 'lost' as const),
    lateMs: fc.nat(250),
  }),
  fc.record({ kind: fc.constant('forged' as const) }),
  fc.record({ kind: fc.constant('peer-locks' as const), ms: fc.nat(500) }),
  fc.record({ kind: fc.constant('fail-next' as const) }),
)

class Model {
  now = 0
  state: WakeState = initialWakeState(0)
  messages: ModelMessage[] = []
  readLate: string[] = []
  #lastId = 0
  #look:
    | {
        endsAt: number
        snapshotAt: number
        snapshot: ModelMessage[] | undefined
        fails: boolean
        kind: 'read' | 'probe'
      }
    | undefined
  #hints: { at: number; message: ModelMessage }[] = []
  #failNext = false
  #failedUntil = 0
  readonly #random: () => number
  readonly #lookMs: number

  constructor(random: () => number, lookMs = 200) {
    this.#random = random
    this.#lookMs = lookMs
  }

  apply(step: Step): void {
    const moment = { now: this.now, random: this.#random }
    if (step.kind === 'pass') this.pass(step.ms)
    if (step.kind === 'forged') this.state = onHint(this.state, moment)
    if (step.kind === 'fail-next') this.#failNext = true
    if (step.kind === 'peer-locks')
      for (const message of this.messages) message.lockedUntil = this.now + step.ms
    if (step.kind === 'send') {
      const committedAt = this.now + (step.hint === 'early' ? step.lateMs : 0)
      const message = {
        id: ++this.#lastId,
        committedAt,
        visibleAt: this.now + step.delayMs,
        hintedAt: undefined,
        lockedUntil: 0,
      }
      this.messages.push(message)
      if (step.hint !== 'lost')
        this.#hints.push({ at: this.now + (step.hint === 'late' ? step.lateMs : 0), message })
    }
    this.pass(0)
  }

  /** Lets time pass, doing whatever the loop says and the model has planned, in order. */
  pass(ms: number): void {
    const until = this.now + ms
    for (;;) {
      this.#begin()
      const next = nextLook(this.state, this.now)
      const times = [
        ...this.#hints.map((hint) => hint.at),
        ...(this.#look === undefined
          ? []
          : [this.#look.snapshot === undefined ? this.#look.snapshotAt : this.#look.endsAt]),
        ...(this.#look === undefined && next.kind === 'wait' ? [next.until] : []),
      ]
      const at = Math.min(...times)
      if (at > until) break
      this.now = Math.max(this.now, at)
      this.#deliver()
      this.#proceed()
    }
    this.now = until
  }

  #deliver(): void {
    const due = this.#hints.filter((hint) => hint.at <= this.now)
    this.#hints = this.#hints.filter((hint) => hint.at > this.now)
    for (const { message } of due) {
      message.hintedAt = this.now
      this.state = onHint(this.state, { now: this.now, random: this.#random })
    }
  }

  #begin(): void {
    const next = nextLook(this.state, this.now)
    if (this.#look !== undefined || next.kind === 'wait') return
    this.state = onLookBegan(this.state, this.now)
    const endsAt = this.now + 1 + this.#random() * (this.#lookMs - 1)
    const snapshotAt = this.now + this.#random() * (endsAt - this.now)
    this.#look = { endsAt, snapshotAt, snapshot: undefined, fails: this.#failNext, kind: next.kind }
    this.#failNext = false
  }

  #proceed(): void {
    const look = this.#look
    if (look === undefined) return
    if (look.snapshot === undefined && look.snapshotAt <= this.now) {
      look.snapshot = this.messages.filter(({ committedAt }) => committedAt <= this.now)
    }
    if (look.snapshot === undefined || look.endsAt > this.now) return
    this.#look = undefined
    const moment = { now: this.now, random: this.#random }
    if (look.fails) {
      this.state = onError(this.state, moment)
      this.#failedUntil = this.now + errorBoundMs
      return
    }
    const found = look.snapshot.filter(
      (message) => message.visibleAt <= look.snapshotAt && message.lockedUntil <= look.snapshotAt,
    )
    if (look.kind === 'read' && found.length > 0) {
      for (const message of found) this.#check(message)
      this.messages = this.messages.filter((message) => !found.includes(message))
      const waited = found.map(({ visibleAt }) => look.snapshotAt - visibleAt)
      this.state = onFound(this.state, this.now, Math.max(...waited))
      return
    }
    const nextDueInMs =
      look.snapshot.length === 0
        ? null
        : Math.min(...look.snapshot.map(({ visibleAt }) => visibleAt)) - look.snapshotAt
    const newestId =
      look.snapshot.length === 0 ? null : String(Math.max(...look.snapshot.map(({ id }) => id)))
    this.state = onNothing(this.state, { nextDueInMs, newestId }, config, moment)
  }

  /** A message was read now: was that soon enough? */
  #check({ visibleAt, committedAt, hintedAt, lockedUntil }: ModelMessage): void {
    const since = Math.max(visibleAt, committedAt, lockedUntil, this.#failedUntil)
    const bound =
      hintedAt === undefined ? since + pollIntervalMs * 1.1 + 400 : Math.max(since, hintedAt) + hintedBoundMs
    if (this.now > bound)
      this.readLate.push(`visible ${visibleAt}, hinted ${hintedAt}, read ${this.now}, bound ${bound}`)
  }
}

it('reads every visible message in time, whatever the order of events', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (steps, randoms) => {
        const model = new Model(() => randoms.next().value ?? 0)
        for (const one of steps) model.apply(one)
        model.pass(pollIntervalMs * 1.1 + errorBoundMs + 10_000)
        expect(model.readLate).toEqual([])
        expect(model.messages).toEqual([])
      },
    ),
    { numRuns: 3000 },
  )
})

it('reads a message that was sent and hinted while it looked with the very next look', () => {
  const lookMs = 20
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: lookMs, noNaN: true }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (offset, randoms) => {
        const model = new Model(() => randoms.next().value ?? 0, lookMs)
        model.pass(1000)
        model.state = lookBy(model.state, model.now)
        model.pass(offset)
        model.apply({ kind: 'send', delayMs: 0, hint: 'at-once', lateMs: 0 })
        // The rest of the look under way, the spreading of the next one (at most 4 ms here), and that one.
        model.pass(lookMs + 4 + lookMs)
        expect(model.messages).toEqual([])
      },
    ),
    { numRuns: 1000 },
  )
})
