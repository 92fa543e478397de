import type { Clock, WakePath } from '@aimq/events'
import type { Hint } from './hint.ts'
import { SecondHints } from './second-hints.ts'

/** More queues than that are remembered by nobody: names come from outside. */
const maxQueues = 10_000
/** How long a hint of the second path is held back, for the leader's to come first. */
const secondPathDelayMs = 250

export interface HintMergerOptions {
  readonly clock: Clock
  /** The healthy path that leads; undefined while none is healthy. */
  readonly leader: () => WakePath | undefined
  readonly emit: (path: WakePath, hint: Hint, said?: { readonly repeated: boolean }) => void
}

/**
 * One stream of hints out of two paths. The leader's go on at once; the other's only when the leader did not bring one
 * for that queue at about the same time, so that no worker looks twice and either path may fail. The first hint of a turn
 * of the event loop goes on at once, the others are joined: a storm costs a queue two hints per turn. A hint whose sender
 * then keeps silent for a while is said again when that is over.
 */
export class HintMerger {
  readonly #options: HintMergerOptions
  readonly #pending = new Map<string, { path: WakePath; hint: Hint }>()
  readonly #heldBack = new Map<string, Disposable>()
  readonly #leaderAt = new Map<string, number>()
  readonly #again: SecondHints
  #flush: NodeJS.Immediate | undefined

  constructor(options: HintMergerOptions) {
    this.#options = options
    this.#again = new SecondHints(options.clock, (path, queue) =>
      options.emit(path, { queue }, { repeated: true }),
    )
  }

  add(path: WakePath, hint: Hint): void {
    const leader = this.#options.leader()
    if (leader === undefined || leader === path) this.#pass(path, hint)
    else this.#holdBack(path, hint)
  }

  stop(): void {
    clearImmediate(this.#flush)
    this.#flush = undefined
    for (const timer of this.#heldBack.values()) timer[Symbol.dispose]()
    this.#heldBack.clear()
    this.#pending.clear()
    this.#leaderAt.clear()
    this.#again.stop()
  }

  #pass(path: WakePath, hint: Hint): void {
    const { queue } = hint
    if (this.#flush === undefined) {
      // Said before anything else is done: a worker acts on it at once.
      this.#say(path, hint)
      this.#flush = setImmediate(() => this.#emitPending())
    } else {
      const known = this.#pending.get(queue)
      this.#pending.set(queue, { path, hint: known === undefined ? hint : join(known.hint, hint) })
    }
    if (this.#leaderAt.size >= maxQueues) this.#leaderAt.clear()
    this.#leaderAt.set(queue, this.#options.clock.monotonic())
    this.#heldBack.get(queue)?.[Symbol.dispose]()
    this.#heldBack.delete(queue)
  }

  #holdBack(path: WakePath, hint: Hint): void {
    const { clock } = this.#options
    const { queue } = hint
    const led = this.#leaderAt.get(queue) ?? Number.NEGATIVE_INFINITY
    if (clock.monotonic() - led < secondPathDelayMs || this.#heldBack.has(queue)) return
    if (this.#heldBack.size >= maxQueues) return
    const timer = clock.timer(secondPathDelayMs, () => {
      this.#heldBack.delete(queue)
      this.#say(path, hint)
    })
    this.#heldBack.set(queue, timer)
  }

  #emitPending(): void {
    this.#flush = undefined
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { path, hint } of pending) this.#say(path, hint)
  }

  #say(path: WakePath, { againInMs, ...hint }: Hint): void {
    this.#options.emit(path, hint)
    if (againInMs !== undefined) this.#again.add(path, hint.queue, againInMs)
  }
}

/** The sooner due time, the longer silence, and both counts. */
function join(a: Hint, b: Hint): Hint {
  const dueInMs = Math.min(a.dueInMs ?? 0, b.dueInMs ?? 0)
  const againInMs = Math.max(a.againInMs ?? 0, b.againInMs ?? 0)
  return {
    queue: a.queue,
    count: (a.count ?? 1) + (b.count ?? 1),
    ...(dueInMs > 0 ? { dueInMs } : {}),
    ...(againInMs > 0 ? { againInMs } : {}),
  }
}
