import type { Context, JoinRecord } from './context.ts'
import { topicPrefix } from './join.ts'
import type { Upgrades } from './upgrade.ts'

export interface RealtimeCounts {
  readonly sockets: number
  readonly channels: number
  readonly upgradesAccepted: number
  readonly upgradesRefused: number
  /** Rows that came from the database, sent on or not. */
  readonly rows: number
  /** Broadcasts sent to one channel each. */
  readonly delivered: number
}

/** What a test needs in order to break things. Topics are taken with and without `realtime:`. */
export interface RealtimeHooks {
  /** Closes every socket with this code; without one, cuts the connections without a word. */
  dropConnections(code?: number): void
  /** Closes a channel as the server does on its own account: the client does not join again by itself. */
  closeChannel(topic: string, message?: string): void
  /** Lets a channel crash: the client joins again. */
  errorChannel(topic: string): void
  /** Sockets stay open, and nothing is read, sent or answered any more. */
  freeze(): void
  /** Goes on, with what was held up. */
  thaw(): void
  /** Joined and beating, but no broadcast arrives, neither from the database nor from anybody. */
  swallow(on: boolean): void
  /** What the database sends while this is down is lost. */
  stopReplication(): Promise<void>
  startReplication(): Promise<void>
  /** Answers every upgrade with this status; `undefined` lets them in again. */
  refuseUpgrades(status: number | undefined): void
  /** The last thousand joins, also the refused ones. */
  readonly joins: readonly JoinRecord[]
  counts(): RealtimeCounts
  /** Topics that are joined now, one entry for each channel. */
  channels(): { readonly topic: string; readonly private: boolean; readonly role: string }[]
}

export function createHooks(context: Context, upgrades: Upgrades): RealtimeHooks {
  const { hub, sockets, backing, gate } = context
  const channelsOf = (topic: string) => {
    const sub = topic.startsWith(topicPrefix) ? topic.slice(topicPrefix.length) : topic
    return hub.all().filter((channel) => channel.sub === sub)
  }
  return {
    dropConnections(code) {
      for (const socket of [...sockets]) {
        if (code === undefined) socket.terminate()
        else socket.close(code)
      }
    },
    closeChannel(topic, message = 'Closed by a test') {
      for (const channel of channelsOf(topic)) channel.shutDown(message)
    },
    errorChannel(topic) {
      for (const channel of channelsOf(topic)) channel.sendError()
    },
    freeze() {
      gate.close()
      for (const socket of sockets) socket.freeze()
    },
    thaw() {
      gate.open()
      for (const socket of [...sockets]) socket.thaw()
    },
    swallow(on) {
      hub.silent = on
    },
    stopReplication: () => backing.stop(),
    startReplication: () => backing.start(),
    refuseUpgrades(status) {
      upgrades.refuseWith = status
    },
    joins: context.joins,
    counts: () => ({
      sockets: sockets.size,
      channels: hub.all().length,
      upgradesAccepted: upgrades.counts.accepted,
      upgradesRefused: upgrades.counts.refused,
      rows: hub.rows,
      delivered: hub.delivered,
    }),
    channels: () =>
      hub
        .all()
        .map(({ topic, private: isPrivate, claims }) => ({ topic, private: isPrivate, role: claims.role })),
  }
}
