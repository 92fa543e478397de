import fc from 'fast-check'
import {
  initialWakeState,
  nextLook,
  onError,
  onFound,
  onHint,
  onLookBegan,
  onNothing,
  type WakeState,
} from '../src/wake-loop.ts'

export const pollIntervalMs = 30_000
const config = { pollIntervalMs, eager: false }
/** Distrust (2 s), the confirming look, its jitter, a look under way (0.2 s) and an error's backoff (5 s) on top of one another. */
export const hintedBoundMs = 2000 + 300 + 25 + 200 + 200
export const errorBoundMs = 5000

export interface ModelMessage {
  readonly id: number
  visibleAt: number
  /** When other sessions see it; a hint may be faster. */
  readonly committedAt: number
  /** When its hint arrived after its commit; undefined: lost. */
  hintedAt: number | undefined
  lockedUntil: number
}

export type Step =
  | { kind: 'pass'; ms: number }
  | { kind: 'send'; delayMs: number; hint: 'at-once' | 'late' | 'early' | 'lost'; lateMs: number }
  | { kind: 'forged'; dueInMs: number; count: number; repeated: boolean }
  | { kind: 'peer-locks'; ms: number }
  | { kind: 'fail-next' }

export const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), ms: fc.oneof(fc.nat(5), fc.nat(400), fc.nat(40_000)) }),
  fc.record({
    kind: fc.constant('send' as const),
    delayMs: fc.oneof(fc.constant(0), fc.nat(5000)),
    hint: fc.constantFrom('at-once' as const, 'late' as const, 'early' as const, 'lost' as const),
    lateMs: fc.nat(250),
  }),
  fc.record({
    kind: fc.constant('forged' as const),
    dueInMs: fc.oneof(fc.constant(0), fc.nat(100), fc.nat(5000)),
    count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 20 }), fc.constant(1e6)),
    repeated: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('peer-locks' as const), ms: fc.nat(500) }),
  fc.record({ kind: fc.constant('fail-next' as const) }),
)

/** The loop, a database and time; see `wake-loop.model.test.ts`. */
export class Model {
  now = 0
  state: WakeState = initialWakeState(0)
  messages: ModelMessage[] = []
  readLate: string[] = []
  /** How late a message may be read whose hint was lost, or never sent. */
  unhintedBoundMs: number = pollIntervalMs * 1.1 + 400
  /** After each step of the loop. */
  onStep: () => void = () => {}
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
  #planned: { at: number; run: () => void }[] = []
  #failNext = false
  #failedUntil = 0
  readonly random: () => number
  readonly #lookMs: number

  constructor(random: () => number, lookMs = 200) {
    this.random = random
    this.#lookMs = lookMs
  }

  apply(step: Step): void {
    const moment = { now: this.now, random: this.random }
    if (step.kind === 'pass') this.pass(step.ms)
    if (step.kind === 'forged') this.state = onHint(this.state, moment, step)
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
      if (step.hint !== 'lost') this.later(step.hint === 'late' ? step.lateMs : 0, () => this.hint(message))
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
        ...this.#planned.map((planned) => planned.at),
        ...(this.#look === undefined
          ? []
          : [this.#look.snapshot === undefined ? this.#look.snapshotAt : this.#look.endsAt]),
        ...(this.#look === undefined && next.kind === 'wait' ? [next.until] : []),
      ]
      const at = Math.min(...times)
      if (at > until) break
      this.now = Math.max(this.now, at)
      this.#runPlanned()
      this.#proceed()
      this.onStep()
    }
    this.now = until
  }

  /** Does something at a time to come. */
  later(ms: number, run: () => void): void {
    this.#planned.push({ at: this.now + ms, run })
  }

  /** A message that can be seen from now on; nobody has said so. */
  commit(): ModelMessage {
    const { now } = this
    const message = {
      id: ++this.#lastId,
      committedAt: now,
      visibleAt: now,
      hintedAt: undefined,
      lockedUntil: 0,
    }
    this.messages.push(message)
    return message
  }

  hint(message: ModelMessage): void {
    message.hintedAt = this.now
    const dueInMs = Math.max(0, message.visibleAt - this.now)
    this.state = onHint(this.state, { now: this.now, random: this.random }, { dueInMs: dueInMs })
  }

  #runPlanned(): void {
    const due = this.#planned.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at)
    this.#planned = this.#planned.filter(({ at }) => at > this.now)
    for (const { run } of due) run()
  }

  #begin(): void {
    const next = nextLook(this.state, this.now)
    if (this.#look !== undefined || next.kind === 'wait') return
    this.state = onLookBegan(this.state, this.now)
    const endsAt = this.now + 1 + this.random() * (this.#lookMs - 1)
    const snapshotAt = this.now + this.random() * (endsAt - this.now)
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
    const moment = { now: this.now, random: this.random }
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
      const { length: count } = found
      this.state = onFound(this.state, this.now, { count, asked: count, waitedMs: Math.max(...waited) })
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
      hintedAt === undefined ? since + this.unhintedBoundMs : Math.max(since, hintedAt) + hintedBoundMs
    if (this.now > bound)
      this.readLate.push(`visible ${visibleAt}, hinted ${hintedAt}, read ${this.now}, bound ${bound}`)
  }
}
