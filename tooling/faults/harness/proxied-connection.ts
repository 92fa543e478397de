import { connect, type Socket } from 'node:net'

export interface ConnectionRules {
  /** Hears all that the client says. */
  readonly hear: (bytes: Buffer) => void
  readonly delayMs: () => number
  readonly dropsReplyTo: (request: string) => boolean
  readonly onClosed: () => void
  /** So many bytes have passed as were left to it. */
  readonly onCut: () => void
  /** The client has gone behind a dead network: nobody tells the server, until the network is healed. */
  readonly onOrphaned: () => void
}

/** Of what a client has said so much is remembered: its startup message, and its first and its latest statements. */
const rememberedBytes = 16_384

/** `Parse` of PostgreSQL's protocol: its length, the name that AIMQ prepares a statement under, and the statement. */
const parse = /P.{4}(aimq_[0-9a-f]{24})\0([^\0]+)\0/gs

/** One connection by way of the proxy. What passes is passed in order, however long it is delayed. */
export class ProxiedConnection {
  readonly #client: Socket
  readonly #upstream: Socket
  readonly #rules: ConnectionRules
  #first = ''
  #latest = ''
  #dead: 'no' | 'both' | 'down' = 'no'
  #bytesLeft = Number.POSITIVE_INFINITY
  #dropsNextReply = false
  /** By their names, which is all that is said of them from then on. */
  readonly #prepared = new Map<string, string>()
  readonly #waiting: Record<'up' | 'down', (() => void)[]> = { up: [], down: [] }

  constructor(client: Socket, target: URL, rules: ConnectionRules) {
    this.#client = client
    this.#rules = rules
    this.#upstream = connect({ port: Number(target.port), host: target.hostname, noDelay: true })
    client.on('data', (bytes) => this.#fromClient(bytes))
    this.#upstream.on('data', (bytes) => this.#fromServer(bytes))
    for (const socket of [client, this.#upstream]) socket.on('error', () => {})
    client.on('close', () => {
      rules.onClosed()
      if (this.#dead === 'both') rules.onOrphaned()
      else this.#later('up', () => this.#upstream.destroy())
    })
    this.#upstream.on('close', () => {
      if (this.#dead === 'no') this.#later('down', () => client.destroy())
    })
  }

  get blackHoled(): boolean {
    return this.#dead !== 'no'
  }

  hasSaid(text: string): boolean {
    return this.#first.includes(text) || this.#latest.includes(text)
  }

  blackHole(direction: 'both' | 'down'): void {
    this.#dead = direction
  }

  cutAfter(bytes: number): void {
    this.#bytesLeft = bytes
  }

  reset(): void {
    this.#client.resetAndDestroy()
    this.#upstream.destroy()
  }

  #fromClient(bytes: Buffer): void {
    if (this.#dead === 'both') return
    this.#rules.hear(bytes)
    const text = bytes.toString('latin1')
    if (this.#first.length < rememberedBytes) this.#first += text.slice(0, rememberedBytes)
    this.#latest = (this.#latest + text).slice(-rememberedBytes)
    if (this.#rules.dropsReplyTo(this.#meantBy(text))) this.#dropsNextReply = true
    this.#later('up', () => void this.#upstream.write(bytes))
  }

  /** What a request says, and the statements that it names. */
  #meantBy(request: string): string {
    for (const [, name = '', statement = ''] of request.matchAll(parse)) this.#prepared.set(name, statement)
    const named = [...this.#prepared].filter(([name]) => request.includes(name))
    return [request, ...named.map(([, statement]) => statement)].join()
  }

  #fromServer(bytes: Buffer): void {
    if (this.#dead !== 'no') return
    if (this.#dropsNextReply) {
      this.reset()
      return
    }
    const passed = bytes.subarray(0, this.#bytesLeft)
    this.#bytesLeft -= passed.length
    this.#later('down', () => {
      if (this.#dead === 'no') this.#client.write(passed)
      if (this.#bytesLeft > 0) return
      this.#rules.onCut()
      this.reset()
    })
  }

  #later(direction: 'up' | 'down', pass: () => void): void {
    const delayMs = this.#rules.delayMs()
    const waiting = this.#waiting[direction]
    if (delayMs === 0 && waiting.length === 0) {
      pass()
      return
    }
    waiting.push(pass)
    // Whatever is first in the line when this timer fires is at least as old as its own.
    setTimeout(() => waiting.shift()?.(), delayMs)
  }
}
