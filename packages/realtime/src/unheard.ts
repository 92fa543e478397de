import type { Clock } from '@aimq/events'

/** Queues by name, or whichever there are. */
export type Queues = ReadonlySet<string> | 'all'

const sayEveryMs = 1000

export function isSome(queues: Queues): boolean {
  return queues === 'all' || queues.size > 0
}

export function without(queues: ReadonlySet<string>, others: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...queues].filter((queue) => !others.has(queue)))
}

/** Queues whose producers may not have told us. Said every second while there are any, and once more at the end. */
export class Unheard {
  readonly #clock: Clock
  readonly #say: (queues: readonly string[] | undefined) => void
  #queues: Queues = new Set()
  #timer: Disposable | undefined
  /** Workers poll anyway. */
  #muted = false
  #closed = false

  constructor(clock: Clock, say: (queues: readonly string[] | undefined) => void) {
    this.#clock = clock
    this.#say = say
  }

  get isSome(): boolean {
    return isSome(this.#queues)
  }

  /** @param awake whoever is awake looks anyway */
  add(queues: Queues, awake: ReadonlySet<string>): void {
    const known = this.#queues === 'all' ? 'all' : without(this.#queues, awake)
    this.#queues = known === 'all' || queues === 'all' ? 'all' : new Set([...known, ...queues])
    if (!this.isSome) this.#disarm()
    else if (this.#timer === undefined) this.#arm()
  }

  mute(muted: boolean): void {
    this.#muted = muted
  }

  /** From now on they tell us; what they sent until now can be read. */
  end(): void {
    this.#disarm()
    this.#tell()
    this.#queues = new Set()
  }

  close(): void {
    this.#closed = true
    this.#disarm()
  }

  #arm(): void {
    if (this.#closed) return
    this.#timer = this.#clock.timer(sayEveryMs, () => {
      this.#arm()
      if (!this.#muted) this.#tell()
    })
  }

  #disarm(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  #tell(): void {
    if (this.isSome) this.#say(this.#queues === 'all' ? undefined : [...this.#queues])
  }
}
