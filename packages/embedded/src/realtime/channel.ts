import type { Request } from './authorization.ts'
import type { Broadcast } from './broadcast.ts'
import type { Context } from './context.ts'
import { encode } from './frames.ts'
import { CallLimit } from './limits.ts'
import type { Socket } from './socket.ts'
import type { Claims } from './tokens.ts'

export interface ChannelConfig {
  readonly private: boolean
  /** The sender hears its own broadcasts. */
  readonly self: boolean
  /** The sender is told that a broadcast was sent on. */
  readonly ack: boolean
  readonly presenceKey: string
  readonly presenceEnabled: boolean
  readonly replicationReady: boolean
}

/** `undefined`: not asked yet. A public channel may everything. */
export interface Policies {
  readBroadcast?: boolean
  readPresence?: boolean
  writeBroadcast?: boolean
  writePresence?: boolean
}

/** One topic joined on one socket. */
export class Channel {
  readonly context: Context
  readonly socket: Socket
  readonly topic: string
  readonly sub: string
  readonly joinRef: string | null
  readonly config: ChannelConfig
  readonly presenceCalls: CallLimit
  readonly replayed: Set<string> = new Set()
  readonly #closed = new AbortController()
  presenceEnabled: boolean
  token: string
  claims: Claims
  policies: Policies
  #expiry: NodeJS.Timeout | undefined

  constructor(init: {
    context: Context
    socket: Socket
    topic: string
    sub: string
    joinRef: string | null
    config: ChannelConfig
    token: string
    claims: Claims
    policies: Policies
  }) {
    this.context = init.context
    this.socket = init.socket
    this.topic = init.topic
    this.sub = init.sub
    this.joinRef = init.joinRef
    this.config = init.config
    this.presenceEnabled = init.config.presenceEnabled
    this.token = init.token
    this.claims = init.claims
    this.policies = init.policies
    this.presenceCalls = new CallLimit(init.context.options.limits)
  }

  get private(): boolean {
    return this.config.private
  }

  get mayRead(): boolean {
    return !this.private || this.policies.readBroadcast === true
  }

  get mayReadPresence(): boolean {
    return !this.private || this.policies.readPresence === true
  }

  get closed(): AbortSignal {
    return this.#closed.signal
  }

  get request(): Request {
    return { sub: this.sub, claims: this.claims, headers: this.socket.headers }
  }

  open(): void {
    this.context.hub.join(this)
    this.armExpiry()
  }

  /** Gives whether it was sent. */
  deliver(broadcast: Broadcast): boolean {
    if (broadcast.id !== undefined && this.replayed.has(broadcast.id)) return false
    const frame = broadcast.frame(this.socket.version)
    if (frame === undefined) return false
    this.socket.send(frame)
    return true
  }

  reply(ref: string | null, status: 'ok' | 'error', response: object = {}): void {
    this.#send(this.joinRef, ref, 'phx_reply', { status, response })
  }

  /** For this channel alone. */
  push(event: string, payload: unknown): void {
    this.#send(this.joinRef, null, event, payload)
  }

  /** The same for every channel of the topic. */
  pushAll(event: string, payload: unknown): void {
    this.#send(null, null, event, payload)
  }

  system(status: 'ok' | 'error', message: string): void {
    this.push('system', { extension: 'system', status, message, channel: this.sub })
  }

  /** Tells why, and closes. The client does not join again by itself. */
  shutDown(message: string): void {
    if (this.closed.aborted) return
    this.context.options.logger.info({ topic: this.topic, reason: message }, 'channel shut down')
    this.system('error', message)
    this.sendClose()
  }

  /** A normal end. */
  sendClose(): void {
    if (this.closed.aborted) return
    this.drop()
    this.#send(this.joinRef, this.joinRef, 'phx_close', {})
  }

  /** As if it had crashed: the client joins again. */
  sendError(): void {
    if (this.closed.aborted) return
    this.drop()
    this.#send(this.joinRef, this.joinRef, 'phx_error', {})
  }

  /** Leaves everything and says nothing. */
  drop(): void {
    if (this.closed.aborted) return
    this.#closed.abort()
    clearTimeout(this.#expiry)
    this.socket.forget(this)
    this.context.hub.leave(this)
  }

  /** Looks at the token again when it expires, and now and then before. */
  armExpiry(): void {
    clearTimeout(this.#expiry)
    // The extra milliseconds: a timer must not fire before the second has come.
    const untilExpiry = Math.max(this.claims.exp * 1000 - Date.now() + 5, 0)
    this.#expiry = setTimeout(
      () => {
        this.context.tokens.verify(this.token).then(
          ({ fault }) => {
            if (this.closed.aborted) return
            if (fault === undefined) this.armExpiry()
            else this.shutDown(fault.message)
          },
          () => {},
        )
      },
      Math.min(this.context.options.tokenCheckMs, untilExpiry),
    )
    this.#expiry.unref()
  }

  #send(joinRef: string | null, ref: string | null, event: string, payload: unknown): void {
    this.socket.send(encode(this.socket.version, { joinRef, ref, topic: this.topic, event, payload }))
  }
}
