import type { Pool, PoolClient } from 'pg'

/** Connections keep the process from ending only while they work. */
type Referenced = PoolClient & { ref(): void; unref(): void }

/**
 * The connections of a pool. With `keepMs` the one that was used last is not given back to the pool, but kept at hand for so
 * long: it takes a statement in the turn of the event loop in which that is wanted, where the pool would hand it out in
 * the next. That is a part of an idle worker's wake-up that can be measured.
 */
export class Connections {
  readonly #pool: Pool
  readonly #keepMs: number
  /** Those that are not in the pool, and what hears of their errors. */
  readonly #out = new Map<PoolClient, () => void>()
  readonly #broken = new WeakSet<PoolClient>()
  #kept: Referenced | undefined
  #keepTimer: NodeJS.Timeout | undefined
  #ended = false

  constructor(pool: Pool, { keepMs }: { keepMs: number }) {
    this.#pool = pool
    this.#keepMs = keepMs
  }

  /** One that can be used at once. */
  take(): PoolClient | undefined {
    const client = this.#kept
    this.#kept = undefined
    client?.ref()
    return client
  }

  /** Whether the pool has one, so that nothing has to be waited for. */
  get hasIdle(): boolean {
    return this.#pool.idleCount > this.#pool.waitingCount
  }

  /**
   * From the pool. By the callback and not by the promise: the server may end a connection in the same packet that opens
   * it, before a promise is heard, and the error of a client to which nobody listens ends the process.
   */
  connect(): Promise<PoolClient> {
    return new Promise((resolve, reject) => {
      this.#pool.connect((error, client) => {
        if (error || client === undefined) {
          reject(error)
          return
        }
        const listener = () => this.#broke(client)
        this.#out.set(client, listener)
        client.on?.('error', listener)
        resolve(client)
      })
    })
  }

  giveBack(client: PoolClient, destroy = false): void {
    const broken = destroy || this.#broken.has(client)
    const wanted = this.#keepMs > 0 && !this.#ended && this.#kept === undefined
    if (wanted && !broken && this.#pool.waitingCount === 0) this.#keep(client as Referenced)
    else this.#release(client, broken)
  }

  /** Ends when the last statement under way has. */
  async end(): Promise<void> {
    // Whoever was just given these, or is to be handed one by the pool in the next turn, comes first: the pool, once it
    // ends, never serves them.
    await new Promise((resolve) => setImmediate(resolve))
    this.#ended = true
    clearTimeout(this.#keepTimer)
    this.#letGo()
    await this.#pool.end()
  }

  #keep(client: Referenced): void {
    this.#kept = client
    client.unref()
    if (this.#keepTimer !== undefined) this.#keepTimer.refresh()
    else this.#keepTimer = setTimeout(() => this.#letGo(), this.#keepMs).unref()
  }

  /** For good: nobody has needed it for long, or it cannot be used. */
  #letGo(): void {
    const client = this.#kept
    this.#kept = undefined
    // Still without a hold on the process: a server that has gone silent never answers the goodbye.
    if (client !== undefined) this.#release(client, true)
  }

  #broke(client: PoolClient): void {
    this.#broken.add(client)
    if (client === this.#kept) this.#letGo()
  }

  #release(client: PoolClient, destroy: boolean): void {
    const listener = this.#out.get(client)
    this.#out.delete(client)
    // A connection that is destroyed keeps the listener: its socket may still fail.
    if (!destroy && listener !== undefined) client.off?.('error', listener)
    client.release(destroy)
  }
}
