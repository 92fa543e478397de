import fc from 'fast-check'
import { expect, it } from 'vitest'
import { lookBy } from '../src/wake-loop.ts'
import { randoms } from './randoms.ts'
import { errorBoundMs, hintedBoundMs, Model, pollIntervalMs } from './wake-model.ts'

/*
 * The loop against producers that are silent while it wants no wake-ups. A producer's transaction looks at the register
 * some time before it commits, and sends a hint only if the row said then that somebody waits. The listener writes the
 * row when the loop's wish changes, which takes time; whoever looked before that was committed may commit much later,
 * unheard. So it waits for all who were open once the row stood, then has the loop look once more; until then, every
 * second.
 *
 * What must hold: every message is read within seconds of its commit, though the poll interval is half a minute.
 */

/** Orders one may get wrong; the model has to notice each. */
type Flaw =
  | 'sleeps without looking once more'
  | 'looks once more without waiting for open transactions'
  | 'asks who is open before the row stands'
  | 'never says that hints are wanted again'

const everyMs = 1000

class Gate {
  /** What producers see. */
  silent = false
  readonly #model: Model
  readonly #flaw: Flaw | undefined
  #wanted = true
  #open = new Set<object>()
  #writing = false
  #written = true
  #arming: object | undefined
  falls = 0

  constructor(model: Model, flaw: Flaw | undefined) {
    this.#model = model
    this.#flaw = flaw
  }

  /** A transaction begins, looks at the register, and commits with a message. */
  produce(lookAfterMs: number, commitAfterMs: number): void {
    const transaction = {}
    this.#open.add(transaction)
    this.#model.later(lookAfterMs, () => {
      const { silent } = this
      this.#model.later(commitAfterMs, () => {
        this.#open.delete(transaction)
        const message = this.#model.commit()
        if (!silent) this.#model.later(1, () => this.#model.hint(message))
      })
    })
  }

  /** As the loop's wish is told: after each step, before it waits. */
  tell(): void {
    const { wanted } = this.#model.state
    if (wanted === this.#wanted) return
    if (wanted && this.#flaw === 'never says that hints are wanted again') return
    this.#wanted = wanted
    if (!this.#writing) this.#write()
  }

  #write(): void {
    const model = this.#model
    const wanted = this.#wanted
    const early = new Set(this.#open)
    const falls = wanted && !this.#written
    if (falls) this.#beginArming()
    this.#writing = true
    model.later(model.random() * 50, () => {
      this.silent = !wanted
      model.later(model.random() * 50, () => {
        this.#written = wanted
        this.#writing = false
        if (falls) this.#askWhoIsOpen(early)
        if (this.#wanted !== wanted) this.#write()
      })
    })
  }

  #beginArming(): void {
    this.falls++
    const arming = {}
    this.#arming = arming
    const beat = () => {
      if (this.#arming !== arming) return
      this.#look()
      this.#model.later(everyMs, beat)
    }
    this.#model.later(everyMs, beat)
  }

  #askWhoIsOpen(early: Set<object>): void {
    const arming = this.#arming
    const fence =
      this.#flaw === 'asks who is open before the row stands'
        ? early
        : this.#flaw === 'looks once more without waiting for open transactions'
          ? new Set<object>()
          : new Set(this.#open)
    let waitMs = 1
    const check = () => {
      if (this.#arming !== arming) return
      if ([...fence].some((transaction) => this.#open.has(transaction))) {
        this.#model.later(waitMs, check)
        waitMs = Math.min(waitMs * 2, everyMs)
        return
      }
      this.#arming = undefined
      this.#look()
    }
    check()
  }

  #look(): void {
    if (this.#flaw === 'sleeps without looking once more') return
    this.#model.state = lookBy(this.#model.state, this.#model.now)
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), ms: fc.oneof(fc.nat(5), fc.nat(400), fc.nat(40_000)) }),
  fc.record({
    kind: fc.constant('produce' as const),
    lookAfterMs: fc.nat(60),
    commitAfterMs: fc.oneof(fc.nat(5), fc.nat(200), fc.nat(3000)),
  }),
  // Long enough for hints not to be wanted, with a transaction held open across its end.
  fc.record({
    kind: fc.constant('flood' as const),
    jobs: fc.integer({ min: 450, max: 550 }),
    straddleMs: fc.nat(300),
    commitAfterMs: fc.nat(3000),
  }),
  fc.record({
    kind: fc.constant('forged' as const),
    dueInMs: fc.constantFrom(0, 100),
    count: fc.constantFrom(1, 50),
    repeated: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('fail-next' as const) }),
)

function run(
  steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[],
  model: Model,
  flaw?: Flaw,
): Gate {
  const gate = new Gate(model, flaw)
  model.onStep = () => gate.tell()
  // A beat, distrust, and looks under way.
  model.unhintedBoundMs = everyMs + hintedBoundMs
  for (const one of steps) {
    if (one.kind === 'pass') model.pass(one.ms)
    else if (one.kind === 'produce') gate.produce(one.lookAfterMs, one.commitAfterMs)
    else if (one.kind === 'flood') {
      for (let job = 0; job < one.jobs; job++) {
        gate.produce(0, 0)
        model.pass(3)
      }
      model.later(model.random() * one.straddleMs, () => gate.produce(0, one.commitAfterMs))
    } else model.apply(one)
    model.pass(0)
  }
  model.pass(pollIntervalMs * 1.1 + errorBoundMs + 10_000)
  return gate
}

const property = (flaw?: Flaw, seen?: (gate: Gate) => void) =>
  fc.property(fc.array(step, { maxLength: 12 }), fc.integer(), (steps, seed) => {
    const model = new Model(randoms(seed), 30)
    const gate = run(steps, model, flaw)
    seen?.(gate)
    expect(model.readLate).toEqual([])
    expect(model.messages).toEqual([])
  })

it('reads every message soon, though producers are silent while it wants no wake-ups', () => {
  let falls = 0
  fc.assert(
    property(undefined, (gate) => {
      falls += gate.falls
    }),
    { numRuns: 500 },
  )
  expect(falls).toBeGreaterThan(100)
})

it.each<Flaw>([
  'sleeps without looking once more',
  'looks once more without waiting for open transactions',
  'asks who is open before the row stands',
  'never says that hints are wanted again',
])('notices a listener that %s', (flaw) => {
  expect(fc.check(property(flaw), { numRuns: 500, endOnFailure: true }).failed).toBe(true)
})
