import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** What asks PostgreSQL for something, among what its clients say: `Query`, and `Execute` of a statement that was parsed. */
const asking = new Set(['Q', 'E'].map((letter) => letter.charCodeAt(0)))

/** A way to the PostgreSQL of a URL that counts the statements that pass. */
export class StatementCounter implements AsyncDisposable {
  readonly #server: Server
  readonly #target: URL
  readonly #clients = new Set<Socket>()
  /** So far, over all connections; `begin` and `listen` are statements, too. */
  count = 0

  private constructor(target: URL) {
    this.#target = target
    this.#server = createServer({ noDelay: true }, (client) => this.#pass(client))
  }

  static async before(url: string): Promise<StatementCounter> {
    const counter = new StatementCounter(new URL(url))
    counter.#server.listen(0, '127.0.0.1')
    await once(counter.#server, 'listening')
    return counter
  }

  /** The same database, by way of the counter. */
  get url(): string {
    const own = new URL(this.#target)
    own.hostname = '127.0.0.1'
    own.port = String((this.#server.address() as { port: number }).port)
    return own.href
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pass(client: Socket): void {
    const upstream = connect({ host: this.#target.hostname, port: Number(this.#target.port), noDelay: true })
    this.#clients.add(client)
    const hear = messages((type) => {
      if (asking.has(type)) this.count++
    })
    client.on('data', hear)
    client.pipe(upstream).pipe(client)
    client.on('error', () => {})
    client.on('close', () => {
      this.#clients.delete(client)
      upstream.destroy()
    })
    upstream.on('error', () => client.destroy())
  }
}

/** Cuts what a client says into messages: all but the first have a letter in front of their length. */
function messages(onMessage: (type: number) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  let first = true
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    for (;;) {
      const letters = first ? 0 : 1
      if (rest.length < letters + 4) return
      const end = letters + rest.readInt32BE(letters)
      if (rest.length < end) return
      if (!first) onMessage(rest[0] as number)
      first = false
      rest = rest.subarray(end)
    }
  }
}
