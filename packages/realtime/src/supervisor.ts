import { type Clock, type Logger, redact, summarizeError, type WakeHealth, type WakePath } from '@aimq/events'
import { PathError } from './errors.ts'
import { decodeCanary, decodeHint, encodeCanary, type Hint } from './hint.ts'
import type { Connection, WakeSource } from './wake-source.ts'

/*
 * One wake-up path, kept open and kept honest.
 *
 *   connecting ──open──▶ degraded (unproven) ──canary came back──▶ healthy
 *       ▲                     │                                      │
 *       └──── backoff ◀───────┴──────────── lost, or no canary ◀─────┘
 *
 * An open socket proves nothing: a channel can be joined and heartbeating while no message comes through. Only a
 * canary that makes the round trip by the way real hints take makes a path healthy, and one that does not come back
 * ends the connection. Any canary proves it, a peer's too, so that a group of workers sends about one per interval,
 * whatever its size. A path that keeps dropping is not believed for a minute.
 */

// With the interval of LISTEN, a connection that is only half there is found out within 20 seconds; and an idle worker of
// one queue costs a statement every ten seconds, all told.
const canaryTimeoutMs = 4000
/** Enough for one of a group to be first. */
const canarySpread = 0.06
const steadyMs = 1000
const backoffMs = { min: 200, max: 5000, patient: 30_000 }
/** So many refusals before a path that needs a person is tried only every half minute. */
const patientAfter = 5
/** Workers that all met the same failover do not all connect at once. */
const proveWithinMs = 1000
const flap = { drops: 3, withinMs: 60_000 }

export interface PathStatus {
  readonly path: WakePath
  readonly health: WakeHealth
  readonly cause: string | undefined
  /** Round trip of the last canary of our own. */
  readonly canaryMs: number | undefined
}

export interface SupervisorOptions {
  readonly source: WakeSource
  readonly clock: Clock
  readonly logger: Logger
  readonly onHint: (path: WakePath, hint: Hint) => void
  /** A payload that is neither hint nor canary. */
  readonly onNoise: () => void
  readonly onConnected: (path: WakePath) => void
  readonly onMissed: (path: WakePath, queues: readonly string[] | undefined) => void
  readonly onLost: (path: WakePath, cause: string) => void
  readonly onHealth: () => void
  readonly random?: () => number
}

export class PathSupervisor {
  readonly #options: SupervisorOptions
  readonly #path: WakePath
  #health: WakeHealth = 'connecting'
  #cause: string | undefined
  #canaryMs: number | undefined
  /** Why wake-ups may not come although canaries do. */
  #doubt: string | undefined
  #connection: Connection | undefined
  #attempt = new AbortController()
  #timer: Disposable | undefined
  /** Our canary on its way. */
  #canary: { id: string; sentAt: number } | undefined
  #failures = 0
  #openedAt = Number.NEGATIVE_INFINITY
  #drops: number[] = []
  #stopped = false
  #running: Promise<void> | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#path = options.source.path
  }

  get status(): PathStatus {
    return { path: this.#path, health: this.#health, cause: this.#cause, canaryMs: this.#canaryMs }
  }

  start(): void {
    this.#stopped = false
    this.#running = this.#open()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#disarm()
    this.#attempt.abort()
    await this.#connection?.leave?.()
    // Before what is under way is waited for: closing is what ends a canary on a network that is dead.
    await this.#drop()
    await this.#running?.catch(() => {})
    this.#health = 'connecting'
  }

  /** Sends a hint over this path, if it is open. */
  async send(payload: object): Promise<boolean> {
    if (this.#connection === undefined) return false
    await this.#connection.send(payload)
    return true
  }

  /** Something happened to the database: proves soon, from outside, that this connection still leads where others send. */
  prove(): void {
    if (this.#connection === undefined) return
    this.#connection.doubt?.()
    this.#arm(proveWithinMs * this.#random(), () => void this.#sendCanary())
  }

  async #open(): Promise<void> {
    this.#attempt = new AbortController()
    const attempt = this.#attempt
    this.#doubt = undefined
    const { source } = this.#options
    try {
      const connection = await source.open(
        {
          onPayload: (payload) => this.#onPayload(payload),
          onGap: () => this.#options.onConnected(this.#path),
          onMissed: (queues) => this.#options.onMissed(this.#path, queues),
          onDoubt: (cause) => this.#doubted(attempt, cause),
          onLost: (cause) => this.#lost(attempt, cause),
        },
        attempt.signal,
      )
      if (this.#stopped) {
        await connection.close()
        return
      }
      this.#connection = connection
      this.#openedAt = this.#options.clock.monotonic()
      this.#options.onConnected(this.#path)
      await this.#sendCanary()
    } catch (thrown) {
      this.#lost(attempt, thrown)
    }
  }

  #onPayload(payload: unknown): void {
    const canary = decodeCanary(payload)
    if (canary !== undefined) {
      this.#onCanary(canary)
      return
    }
    const hint = decodeHint(payload)
    if (hint === undefined) this.#options.onNoise()
    else this.#options.onHint(this.#path, hint)
  }

  // --- canaries

  async #sendCanary(): Promise<void> {
    const { clock } = this.#options
    const connection = this.#connection
    if (connection === undefined) return
    const attempt = this.#attempt
    const canary = { id: crypto.randomUUID(), sentAt: clock.monotonic() }
    this.#canary = canary
    this.#arm(canaryTimeoutMs, () => {
      this.#lost(
        attempt,
        new PathError(
          `a canary did not come back within ${canaryTimeoutMs} ms: ${this.#options.source.silenceMeans}`,
        ),
      )
    })
    try {
      await connection.send(encodeCanary(canary.id))
    } catch (thrown) {
      if (thrown instanceof PathError && thrown.unproven) this.#unproven(attempt, thrown)
      else this.#lost(attempt, thrown)
    }
  }

  /** The path stays open, because hints may well come; but polling goes on as if it were closed. */
  #unproven(attempt: AbortController, thrown: PathError): void {
    if (attempt !== this.#attempt || attempt.signal.aborted) return
    this.#canary = undefined
    this.#become('degraded', thrown.message)
    this.#arm(this.#options.source.canaryIntervalMs, () => void this.#sendCanary())
  }

  #onCanary(id: string): void {
    if (this.#connection === undefined) return
    const { clock, source } = this.#options
    if (id === this.#canary?.id) this.#canaryMs = clock.monotonic() - this.#canary.sentAt
    this.#canary = undefined
    // What is closed again as soon as it is open is tried ever more rarely.
    if (clock.monotonic() - this.#openedAt >= steadyMs) this.#failures = 0
    const next = source.canaryIntervalMs * (1 + canarySpread * this.#random())
    this.#arm(next, () => void this.#sendCanary())
    const steadyAt = this.#flapsUntil()
    if (this.#doubt !== undefined) this.#become('degraded', this.#doubt)
    else if (steadyAt <= clock.monotonic()) this.#become('healthy', undefined)
    else this.#become('degraded', `dropped ${flap.drops} times within a minute; not believed until it holds`)
  }

  #doubted(attempt: AbortController, cause: string | undefined): void {
    if (attempt !== this.#attempt || attempt.signal.aborted) return
    this.#doubt = cause
    if (this.#connection === undefined) return
    if (cause === undefined) void this.#sendCanary()
    else this.#become('degraded', cause)
  }

  #flapsUntil(): number {
    const now = this.#options.clock.monotonic()
    this.#drops = this.#drops.filter((at) => at > now - flap.withinMs)
    return this.#drops.length >= flap.drops ? (this.#drops.at(-1) ?? now) + flap.withinMs : now
  }

  // --- losing and coming back

  #lost(attempt: AbortController, thrown: unknown): void {
    // Of an earlier connection, or said twice.
    if (this.#stopped || attempt !== this.#attempt || attempt.signal.aborted) return
    attempt.abort()
    this.#disarm()
    const cause = redact(summarizeError(thrown).message)
    const wasOpen = this.#connection !== undefined
    void this.#drop()
    if (wasOpen) {
      this.#drops.push(this.#options.clock.monotonic())
      this.#options.onLost(this.#path, cause)
    }
    this.#failures++
    this.#become('degraded', cause)
    this.#arm(this.#backoff(thrown), () => {
      this.#running = this.#open()
    })
  }

  #backoff(thrown: unknown): number {
    const patient = thrown instanceof PathError && thrown.patient && this.#failures >= patientAfter
    const ceiling = patient
      ? backoffMs.patient * 2
      : Math.min(backoffMs.max, backoffMs.min * 2 ** Math.min(this.#failures, 10))
    // At least a third of a second apart, however it fails.
    return Math.max(350, ceiling * (0.5 + 0.5 * this.#random()))
  }

  async #drop(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    this.#canary = undefined
    await connection?.close().catch(() => {})
  }

  /** One line for each change of state, however often the cause repeats. */
  #become(health: WakeHealth, cause: string | undefined): void {
    const changed = health !== this.#health
    const newCause = cause !== this.#cause
    this.#health = health
    this.#cause = cause
    if (!changed && !newCause) return
    const { logger, onHealth } = this.#options
    const path = this.#path
    if (health === 'healthy') {
      // Of a peer's canary nobody knows how long it took.
      const canaryMs = this.#canaryMs === undefined ? undefined : Math.round(this.#canaryMs * 10) / 10
      logger.info({ path, canaryMs }, `wake-ups over ${path} are proven`)
    } else if (changed || newCause) {
      logger.warn({ path, cause }, `wake-ups over ${path} are not to be relied on: ${cause}`)
    }
    if (changed) onHealth()
  }

  #random(): number {
    return (this.#options.random ?? Math.random)()
  }

  #arm(ms: number, callback: () => void): void {
    this.#disarm()
    // A peer's canary may still come while the connection is closing.
    if (this.#stopped) return
    this.#timer = this.#options.clock.timer(ms, callback)
  }

  #disarm(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }
}
