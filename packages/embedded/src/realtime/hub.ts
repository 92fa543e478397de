import type { Broadcast } from './broadcast.ts'
import type { Channel } from './channel.ts'
import type { RateLimit } from './limits.ts'
import { PresenceRoom } from './presence.ts'

/** Public and private channels of one name never hear each other. */
export interface Address {
  readonly sub: string
  readonly private: boolean
}

/** Who has joined what, and the way from a broadcast to them. */
export class Hub {
  /** Test switch: joined and beating, but nothing is delivered. */
  silent = false
  delivered = 0
  /** Rows that came from the database, sent on or not. */
  rows = 0
  readonly #rooms = new Map<string, { channels: Set<Channel>; presence: PresenceRoom }>()
  readonly #events: RateLimit

  constructor(events: RateLimit) {
    this.#events = events
  }

  join(channel: Channel): void {
    const key = keyOf(channel)
    const room = this.#rooms.get(key) ?? { channels: new Set(), presence: new PresenceRoom() }
    this.#rooms.set(key, room)
    room.channels.add(channel)
  }

  leave(channel: Channel): void {
    const key = keyOf(channel)
    const room = this.#rooms.get(key)
    if (room?.channels.delete(channel) !== true) return
    this.pushPresence(channel, room.presence.untrack(channel))
    if (room.channels.size === 0) this.#rooms.delete(key)
  }

  presence(channel: Channel): PresenceRoom | undefined {
    return this.#rooms.get(keyOf(channel))?.presence
  }

  /** To everybody on the address but `sender`. Counts one event, and one for each receiver. */
  publish(address: Address, broadcast: Broadcast, sender?: Channel): void {
    const receivers = this.channels(address).filter((channel) => channel !== sender && channel.mayRead)
    this.#events.add(1 + receivers.length)
    if (this.silent) return
    for (const channel of receivers) {
      if (channel.deliver(broadcast)) this.delivered += 1
      if (this.#events.isTripped()) channel.shutDown('Too many messages per second')
    }
  }

  pushPresence(address: Address, diff: object | undefined): void {
    if (diff === undefined) return
    for (const channel of this.channels(address)) {
      if (channel.mayReadPresence) channel.pushAll('presence_diff', diff)
    }
  }

  channels(address: Address): Channel[] {
    return [...(this.#rooms.get(keyOf(address))?.channels ?? [])]
  }

  all(): Channel[] {
    return [...this.#rooms.values()].flatMap((room) => [...room.channels])
  }
}

function keyOf({ sub, private: isPrivate }: Address): string {
  return `${isPrivate ? 'private' : 'public'}:${sub}`
}
