import { summarizeError } from '@aimq/events'
import { type RealtimeChannel, RealtimeClient, type WebSocketLikeConstructor } from '@supabase/realtime-js'
import { WebSocket } from 'ws'
import type { Sender } from './database-sender.ts'
import { PathError } from './errors.ts'
import type { ResolvedSupabase } from './options.ts'
import { explainRealtime } from './reasons.ts'
import type { Connection, ConnectionListener } from './wake-source.ts'

/** Longer than the five seconds a server takes to refuse a join, so that the reason arrives. */
const joinTimeoutMs = 10_000
/** Less than a canary is waited for, so that «may not send» is told apart from «does not come back». */
const sendTimeoutMs = 3000
/** The server's own limit for a frame. */
const maxFrameBytes = 5_000_000
/** Reconnecting is the supervisor's: realtime-js gives up on a channel that the server closed, and never says so. */
const never = 2 ** 31 - 1

/** A connection of the genuine client, which is a new one each time. */
export async function openSupabase(
  options: ResolvedSupabase,
  sender: Sender | undefined,
  listener: ConnectionListener,
  signal: AbortSignal,
): Promise<Connection> {
  const sockets = new Set<WebSocket>()
  const client = new RealtimeClient(endpoint(options.url), {
    params: { apikey: options.key },
    transport: trackedTransport(sockets),
    timeout: joinTimeoutMs,
    reconnectAfterMs: () => never,
    heartbeatCallback: (status) => {
      if (status === 'timeout') lose(new PathError('the server does not answer heartbeats'))
    },
    ...(options.accessToken === undefined ? {} : { accessToken: options.accessToken }),
  })
  let state: 'joining' | 'open' | 'closed' = 'joining'
  /** The last thing the server said before it closed the channel. */
  let said: string | undefined
  const joined = Promise.withResolvers<void>()
  // It may be lost before anybody waits for it.
  joined.promise.catch(() => {})
  /** Why it was lost before it was open; joined, it may have been closed in the same breath. */
  let failure: PathError | undefined

  function lose(thrown: unknown): void {
    if (state === 'open') {
      state = 'closed'
      listener.onLost(explainRealtime(thrown))
    } else if (state === 'joining') {
      failure ??= explainRealtime(thrown)
      joined.reject(failure)
    }
  }
  function close(): void {
    state = 'closed'
    dispose(client, sockets)
  }

  const channel = client.channel(options.topic, {
    config: {
      private: options.private,
      // Our own broadcasts come back to us: that is the canary's way, where there is no database to send it.
      broadcast: { self: true, ack: true, replication_ready: true },
    },
  })
  for (const event of [options.event, 'canary']) {
    channel.on('broadcast', { event }, (message: { payload?: unknown }) =>
      listener.onPayload(withEvent(event, message.payload)),
    )
  }
  channel.on('system', {}, (payload: { status?: string; message?: string }) => {
    if (payload.status === 'error') said = payload.message
    // What was committed before the server's replication ran was never sent.
    else if (state === 'open') listener.onGap()
  })
  const abort = () => lose(new PathError('the connection was given up'))
  signal.addEventListener('abort', abort, { once: true })
  try {
    signal.throwIfAborted()
    // Without this the first join goes out without the token, and is judged as the key's role.
    if (options.accessToken !== undefined) await Promise.race([authenticate(client), joined.promise])
    channel.subscribe((status, error) => {
      if (status === 'SUBSCRIBED') joined.resolve()
      else lose(error ?? new Error(said ?? statusText(status)))
    }, joinTimeoutMs)
    await joined.promise
    if (failure !== undefined) throw failure
    state = 'open'
  } catch (thrown) {
    close()
    throw explainRealtime(thrown)
  } finally {
    signal.removeEventListener('abort', abort)
  }
  return {
    send: (payload) =>
      sender === undefined ? sendOverSocket(channel, options, payload) : sender.send(payload),
    async close() {
      close()
      await sender?.close()
    },
  }
}

/** Asks the caller for a token, who may never answer. */
async function authenticate(client: RealtimeClient): Promise<void> {
  const { promise: overdue, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new PathError(`\`accessToken\` did not answer within ${joinTimeoutMs} ms`)),
    joinTimeoutMs,
  ).unref()
  try {
    await Promise.race([client.setAuth(), overdue])
  } finally {
    clearTimeout(timer)
  }
}

function statusText(status: string): string {
  return status === 'TIMED_OUT'
    ? `the server did not answer the join within ${joinTimeoutMs} ms`
    : 'the server closed the channel'
}

async function sendOverSocket(
  channel: RealtimeChannel,
  { event }: ResolvedSupabase,
  payload: object,
): Promise<void> {
  const canary = (payload as { event?: unknown }).event === 'canary'
  const answer = await channel.send(
    { type: 'broadcast', event: canary ? 'canary' : event, payload },
    { timeout: sendTimeoutMs },
  )
  if (answer === 'ok') return
  // The server does not answer a write it denies.
  throw new PathError(
    'this key may not send on the private topic, so nothing proves that wake-ups come through and polling goes on; give `supabase.connectionString`, or an insert policy',
    { unproven: true },
  )
}

/** A canary names its event in the payload wherever it travels; what a plain client sent may not. */
function withEvent(event: string, payload: unknown): unknown {
  return event === 'canary' && typeof payload === 'object' ? { ...payload, event } : payload
}

function endpoint(url: string): string {
  const parsed = new URL(url)
  parsed.protocol = parsed.protocol.replace('http', 'ws')
  if (parsed.pathname === '/') parsed.pathname = '/realtime/v1'
  return parsed.href.replace(/\/(websocket)?$/, '')
}

/** `ws` instead of the native socket, because it says why an upgrade was refused; and known to us, to be ended at once. */
function trackedTransport(sockets: Set<WebSocket>): WebSocketLikeConstructor {
  const Tracked = class extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols, { handshakeTimeout: joinTimeoutMs, maxPayload: maxFrameBytes })
      sockets.add(this)
      this.once('close', () => sockets.delete(this))
    }
  }
  // `ws` types its events a little differently from the DOM; realtime-js uses what both have.
  return Tracked as unknown as WebSocketLikeConstructor
}

interface ClientInside {
  readonly socketAdapter: {
    disconnect(callback: () => void, code: number, reason: string, timeoutMs: number): unknown
  }
  readonly _cancelPendingDisconnect?: () => void
}

/** `client.disconnect()` would leave timers of ten and fifty seconds, and wait for the other side. */
function dispose(client: RealtimeClient, sockets: ReadonlySet<WebSocket>): void {
  try {
    const inner = client as unknown as ClientInside
    void inner.socketAdapter.disconnect(() => {}, 1000, 'stopped', 0)
    inner._cancelPendingDisconnect?.()
  } catch (thrown) {
    // Whatever state it was in, the sockets below are what counts.
    void summarizeError(thrown)
  }
  for (const socket of sockets) socket.terminate()
}
