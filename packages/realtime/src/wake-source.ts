import type { WakePath } from '@aimq/events'

/** What an open connection tells. Called from drivers' callbacks: none of these may throw, and none does. */
export interface ConnectionListener {
  /** A payload that may be a hint or a canary. */
  onPayload(payload: unknown): void
  /** Something was missed, or may have been: look at every queue. */
  onGap(): void
  /** Senders may not have told us, though the connection is fine: look at these queues; undefined: at every queue. */
  onMissed(queues: readonly string[] | undefined): void
  /** Why wake-ups may not come although canaries do; undefined: that is over. Also while `open` is under way. */
  onDoubt(cause: string | undefined): void
  /** The connection is of no use any more. Said at most once, and only after `open` has resolved. */
  onLost(cause: Error): void
}

/** An open connection of a wake-up path. */
export interface Connection {
  /** Sends a payload to all who listen, ourselves included, by the way real hints take. */
  send(payload: object): Promise<void>
  /** The database may be another one by now: the next payload must come from outside of this connection. */
  doubt?(): void
  /** Tells the other side that nobody listens any more, within half a second. */
  leave?(): Promise<void>
  /** Leaves nothing behind, at once, whatever the other side does. */
  close(): Promise<void>
}

/** One way wake-ups come. The supervisor opens it again whenever it is lost. */
export interface WakeSource {
  readonly path: WakePath
  /** How often a canary makes the round trip while all is well, in milliseconds. */
  readonly canaryIntervalMs: number
  /** What to think of when a canary does not come back. */
  readonly silenceMeans: string
  /** Queues of which this process need not be told for the moment; none at first. Kept over reconnects. */
  setUnneeded?(queues: ReadonlySet<string>): void
  /** @throws PathError, or whatever the driver throws */
  open(listener: ConnectionListener, signal: AbortSignal): Promise<Connection>
}
