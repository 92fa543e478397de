import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { ProxiedConnection } from './proxied-connection.ts'

export interface TcpProxy extends AsyncDisposable {
  /** `url` by way of the proxy. */
  readonly url: string
  /** Connections that are open, on the client's side. */
  readonly connections: number
  /** Connections that were refused so far. */
  readonly refused: number
  /** Answers that were cut in the middle so far. */
  readonly cuts: number
  /**
   * From now on nothing passes over connections that exist, in either direction or only downwards (from the server);
   * they stay open, as over a dead network. `says` picks those that have said this, such as `listen "` or an
   * application name. Answers how many there were.
   */
  blackHole(options?: { says?: string | undefined; direction?: 'both' | 'down' }): number
  /** Resets connections (RST). Answers how many there were. */
  reset(says?: string): number
  /** Passes so many more bytes down each connection that exists, and then resets it. */
  cutAfter(bytes: number, says?: string): void
  /**
   * The next request that contains `says` is passed on, and its connection reset when the answer comes. Resolves with
   * true when there was such a request, and with false when nobody waits for one any more.
   */
  dropReply(says: string): Promise<boolean>
  /** Everything takes this much longer, both ways. */
  delay(ms: number): void
  /** New connections are reset at once. */
  refuse(on: boolean): void
  /** New connections lead here; those that exist stay where they are, as in a failover. */
  lead(url: string): void
  /** Ends what is black-holed, and everything that was asked for above. */
  heal(): void
}

/** Makes, for one connection, what hears all that its client says. */
export type Hearer = () => (bytes: Buffer) => void

/** A TCP proxy in this process, between clients and the server of `url`. */
export async function startTcpProxy(url: string, hearer: Hearer = () => () => {}): Promise<TcpProxy> {
  const proxy = new RunningProxy(url, hearer)
  await proxy.listen()
  return proxy
}

class RunningProxy implements TcpProxy {
  readonly #connections = new Set<ProxiedConnection>()
  /** Sessions of the server whose clients went unheard. */
  readonly #orphans = new Set<ProxiedConnection>()
  readonly #server: Server
  readonly #hearer: Hearer
  #target: URL
  #delayMs = 0
  #refusing = false
  refused = 0
  cuts = 0
  #awaited = new Map<string, PromiseWithResolvers<boolean>>()

  constructor(url: string, hearer: Hearer) {
    this.#hearer = hearer
    this.#target = new URL(url)
    this.#server = createServer({ allowHalfOpen: false, noDelay: true }, (client) => this.#accept(client))
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get url(): string {
    const own = new URL(this.#target)
    own.hostname = '127.0.0.1'
    own.port = String((this.#server.address() as { port: number }).port)
    return own.href
  }

  get connections(): number {
    return this.#connections.size
  }

  blackHole({
    says,
    direction = 'both',
  }: {
    says?: string | undefined
    direction?: 'both' | 'down'
  } = {}): number {
    const chosen = this.#chosen(says)
    for (const connection of chosen) connection.blackHole(direction)
    return chosen.length
  }

  reset(says?: string): number {
    const chosen = this.#chosen(says)
    for (const connection of chosen) connection.reset()
    return chosen.length
  }

  cutAfter(bytes: number, says?: string): void {
    for (const connection of this.#chosen(says)) connection.cutAfter(bytes)
  }

  dropReply(says: string): Promise<boolean> {
    const awaited = this.#awaited.get(says) ?? Promise.withResolvers<boolean>()
    this.#awaited.set(says, awaited)
    return awaited.promise
  }

  delay(ms: number): void {
    this.#delayMs = ms
  }

  refuse(on: boolean): void {
    this.#refusing = on
  }

  lead(url: string): void {
    this.#target = new URL(url)
  }

  heal(): void {
    this.#delayMs = 0
    this.#refusing = false
    for (const { resolve } of this.#awaited.values()) resolve(false)
    this.#awaited = new Map()
    for (const connection of this.#connections) {
      connection.cutAfter(Number.POSITIVE_INFINITY)
      if (connection.blackHoled) connection.reset()
    }
    for (const orphan of this.#orphans) orphan.reset()
    this.#orphans.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of [...this.#connections, ...this.#orphans]) connection.reset()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      this.refused++
      client.on('error', () => {})
      client.resetAndDestroy()
      return
    }
    const connection = new ProxiedConnection(client, this.#target, {
      hear: this.#hearer(),
      delayMs: () => this.#delayMs,
      // Whether the answer to this request is the one to be dropped.
      dropsReplyTo: (request) => {
        const found = [...this.#awaited.keys()].find((text) => request.includes(text))
        if (found === undefined) return false
        this.#awaited.get(found)?.resolve(true)
        return this.#awaited.delete(found)
      },
      onClosed: () => this.#connections.delete(connection),
      onCut: () => this.cuts++,
      onOrphaned: () => this.#orphans.add(connection),
    })
    this.#connections.add(connection)
  }

  #chosen(says: string | undefined): ProxiedConnection[] {
    return [...this.#connections].filter((connection) => says === undefined || connection.hasSaid(says))
  }
}
