/*
 * The register's listener against a model of the database, under orders of events that fast-check thinks of: statements
 * take time on the way there and back, fail before or after they did something, the row is taken away; producers look
 * at the row while their transaction is open, and commit later.
 *
 * What must hold: of every message that was committed unheard while its queue is not wanted to be silent, the worker is
 * told within a good second of the commit, or of the end of the listener's troubles.
 */
import { fakeClock } from '@aimq/events/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ListenerRegister } from '../src/listener-register.ts'

const queue = 'emails'
/** A second between two looks, a statement on its way there and back, its retry after five seconds at most. */
const boundMs = 1000 + 2 * 60
const troubleMs = 5000 + 4 * 60

type Step =
  | { kind: 'pass'; ms: number }
  | { kind: 'awake' | 'asleep' }
  | { kind: 'produce'; lookAfterMs: number; commitAfterMs: number }
  | { kind: 'fail'; after: boolean }
  | { kind: 'row-lost' }
  | { kind: 'flood'; fail: 'before' | 'after' | undefined; ms: number; straddlers: readonly number[] }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), ms: fc.oneof(fc.nat(20), fc.nat(200), fc.nat(3000)) }),
  fc.record({ kind: fc.constantFrom('awake' as const, 'asleep' as const) }),
  fc.record({
    kind: fc.constant('produce' as const),
    lookAfterMs: fc.nat(40),
    commitAfterMs: fc.oneof(fc.nat(40), fc.nat(2500)),
  }),
  fc.record({ kind: fc.constant('fail' as const), after: fc.boolean() }),
  fc.record({ kind: fc.constant('row-lost' as const) }),
  // Awake for a while, and asleep again with transactions open that looked meanwhile.
  fc.record({
    kind: fc.constant('flood' as const),
    fail: fc.constantFrom('before' as const, 'after' as const, undefined),
    ms: fc.integer({ min: 60, max: 200 }),
    straddlers: fc.array(fc.nat(2500), { maxLength: 3 }),
  }),
)

interface Message {
  readonly committedAt: number
  toldAt: number | undefined
}

class Model {
  readonly clock = fakeClock()
  readonly late: string[] = []
  #awake: ReadonlySet<string> = new Set()
  readonly #register: ListenerRegister
  /** The row, as producers see it; undefined: there is none, and they are silent. */
  #row: ReadonlySet<string> | undefined
  #lastXid = 10n
  readonly #open = new Set<bigint>()
  #unheard: Message[] = []
  #failNext: 'before' | 'after' | undefined
  #troubleUntil = 0
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
    this.#register = new ListenerRegister({
      clock: this.clock,
      query: (text, values) => this.#query(text, values ?? []),
      awake: this.#awake,
      ids: new Set(),
      onMissed: () => this.#look(),
      onDoubt: () => {},
    })
  }

  async run(steps: readonly Step[]): Promise<void> {
    const started = this.#register.start()
    await this.clock.advance(200)
    await started
    for (const one of steps) {
      if (one.kind === 'pass') await this.clock.advance(one.ms)
      if (one.kind === 'awake' || one.kind === 'asleep') this.#say(one.kind)
      if (one.kind === 'flood') {
        this.#failNext = one.fail
        this.#say('awake')
        await this.clock.advance(one.ms)
        for (const commitAfterMs of one.straddlers) this.#produce(0, commitAfterMs)
        await this.clock.advance(10)
        this.#say('asleep')
      }
      if (one.kind === 'produce') this.#produce(one.lookAfterMs, one.commitAfterMs)
      if (one.kind === 'fail') this.#failNext = one.after ? 'after' : 'before'
      if (one.kind === 'row-lost') {
        this.#row = undefined
        this.#register.wanted()
        this.#troubleUntil = this.clock.monotonic() + 1000
      }
      this.#judge()
    }
    this.#say('asleep')
    await this.clock.advance(3000 + troubleMs + boundMs)
    this.#judge()
    this.#register.close()
  }

  #say(what: 'awake' | 'asleep'): void {
    this.#awake = new Set(what === 'awake' ? [queue] : [])
    // A worker that has read without a pause has found what was there.
    if (what === 'asleep') this.#look()
    this.#register.setAwake(this.#awake)
  }

  #produce(lookAfterMs: number, commitAfterMs: number): void {
    const xid = ++this.#lastXid
    this.#open.add(xid)
    this.clock.timer(lookAfterMs, () => {
      const heard = this.#row !== undefined && !this.#row.has(queue)
      this.clock.timer(commitAfterMs, () => {
        this.#open.delete(xid)
        if (!heard) this.#unheard.push({ committedAt: this.clock.monotonic(), toldAt: undefined })
      })
    })
  }

  #look(): void {
    for (const message of this.#unheard) message.toldAt ??= this.clock.monotonic()
    this.#judge()
    this.#unheard = []
  }

  /** While the queue is wanted to be silent its worker looks anyway. */
  #judge(): void {
    const now = this.clock.monotonic()
    if (this.#awake.has(queue)) {
      this.#unheard = []
      return
    }
    for (const { committedAt, toldAt = now } of this.#unheard) {
      const bound = Math.max(committedAt, this.#troubleUntil) + boundMs
      if (toldAt > bound) this.late.push(`committed ${committedAt}, told ${toldAt}, bound ${bound}`)
    }
  }

  /** A statement: there, done at one moment, and back. */
  async #query(text: string, values: readonly unknown[]) {
    const fails = text.includes('installed') ? undefined : this.#failNext
    if (fails !== undefined) {
      this.#failNext = undefined
      this.#troubleUntil = this.clock.monotonic() + troubleMs
    }
    await this.#wait()
    if (fails === 'before') throw new Error('not done')
    const row = this.#do(text, values)
    await this.#wait()
    if (fails === 'after') throw new Error('done, and not known')
    return { rows: [row] }
  }

  #do(text: string, values: readonly unknown[]): Record<string, unknown> {
    if (text.includes('installed')) return { installed: true }
    if (text.includes('register_listener')) {
      ++this.#lastXid
      this.#row = new Set(values[1] as string[])
      return {}
    }
    const oldest =
      this.#open.size === 0 ? this.#lastXid + 1n : [...this.#open].sort((a, b) => (a < b ? -1 : 1))[0]
    if (oldest === undefined) throw new Error('unreachable')
    if (text.includes('pg_current_xact_id()')) {
      const fence = ++this.#lastXid
      return { fence: String(fence), armed: oldest >= fence }
    }
    return { armed: oldest >= BigInt(values[0] as string) }
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => this.clock.timer(this.#random() * 30, resolve))
  }
}

it('tells of every message that was committed unheard, within a good second', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 25 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      async (steps, randoms) => {
        const model = new Model(() => randoms.next().value ?? 0)
        await model.run(steps)
        expect(model.late).toEqual([])
      },
    ),
    { numRuns: 1000 },
  )
})
