import type { RawData, WebSocket } from 'ws'
import type { Channel } from './channel.ts'
import { handleEvent } from './channel-events.ts'
import type { Context } from './context.ts'
import { decode, encode, type Frame, type Incoming, type Version } from './frames.ts'
import { join, topicPrefix } from './join.ts'

/** One connected client. Its messages are handled one after the other, as Phoenix does: a join that waits holds up the rest. */
export class Socket {
  readonly version: Version
  readonly token: string
  /** Those of the upgrade that begin with `x-`: policies can see them. */
  readonly headers: Readonly<Record<string, string>>
  readonly channels: Map<string, Channel> = new Map()
  readonly #context: Context
  readonly #ws: WebSocket
  readonly #idle: NodeJS.Timeout
  #held: Frame[] = []
  #queue: Promise<void> = Promise.resolve()

  constructor(
    context: Context,
    ws: WebSocket,
    init: { version: Version; token: string; headers: Readonly<Record<string, string>> },
  ) {
    this.#context = context
    this.#ws = ws
    this.version = init.version
    this.token = init.token
    this.headers = init.headers
    this.#idle = setTimeout(() => this.close(1000), context.options.idleTimeoutMs).unref()
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary))
    ws.on('ping', () => this.#idle.refresh())
    ws.on('error', (error) => context.options.logger.debug({ cause: error.message }, 'socket error'))
    ws.on('close', () => this.#closed())
  }

  get isClosed(): boolean {
    return this.#ws.readyState !== this.#ws.OPEN
  }

  send(frame: Frame): void {
    if (this.#context.gate.isClosed) this.#held.push(frame)
    else if (!this.isClosed) this.#ws.send(frame, { compress: false })
  }

  close(code: number): void {
    this.#ws.close(code)
  }

  /** Without a word, as when a machine dies. */
  terminate(): void {
    this.#ws.terminate()
  }

  freeze(): void {
    this.#ws.pause()
  }

  thaw(): void {
    const held = this.#held
    this.#held = []
    for (const frame of held) this.send(frame)
    this.#ws.resume()
  }

  forget(channel: Channel): void {
    if (this.channels.get(channel.topic) === channel) this.channels.delete(channel.topic)
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#idle.refresh()
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer)
    const message = decode(this.version, bytes, isBinary)
    if (message === undefined) {
      this.#context.options.logger.warn({ bytes: bytes.length }, 'malformed frame ignored')
      return
    }
    this.#queue = this.#queue
      .then(() => this.#handle(message))
      .catch((thrown: unknown) => {
        this.#context.options.logger.error({ topic: message.topic, cause: String(thrown) }, 'message failed')
      })
  }

  async #handle(message: Incoming): Promise<void> {
    // What came in just before a freeze.
    await this.#context.gate.passed()
    if (this.isClosed) return
    const { topic, event, joinRef } = message
    if (topic === 'phoenix') {
      if (event === 'heartbeat') this.#reply(message, 'ok', {}, null)
      return
    }
    const channel = this.channels.get(topic)
    if (event === 'phx_join' && topic.startsWith(topicPrefix)) {
      channel?.sendClose()
      await join(this.#context, this, message)
    } else if (channel === undefined) {
      if (event === 'phx_leave') this.#reply(message, 'ok', {})
      else this.#reply(message, 'error', { reason: 'unmatched topic' })
    } else if (joinRef === null || joinRef === channel.joinRef) await handleEvent(channel, message)
  }

  #reply(message: Incoming, status: 'ok' | 'error', response: object, joinRef = message.joinRef): void {
    const { topic, ref } = message
    this.send(
      encode(this.version, { joinRef, ref, topic, event: 'phx_reply', payload: { status, response } }),
    )
  }

  #closed(): void {
    clearTimeout(this.#idle)
    this.#held = []
    this.#context.sockets.delete(this)
    for (const channel of [...this.channels.values()]) channel.drop()
  }
}
