import { encode, encodeBroadcast, type Frame, type UserBroadcast, type Version } from './frames.ts'

/** One broadcast on its way to many sockets: encoded once for each version of the protocol. */
export interface Broadcast {
  /** Of a row in the database; a channel that replayed it does not get it again. */
  readonly id: string | undefined
  /** `undefined`: this version cannot say it. */
  frame(version: Version): Frame | undefined
}

/** From a binary frame, the database, or a single REST event: the payload's bytes go on as they came. */
export function userBroadcast(sub: string, broadcast: UserBroadcast, id?: string): Broadcast {
  const topic = clientTopic(sub)
  return encodedOnce(id, (version) => encodeBroadcast(version, topic, broadcast))
}

/** From a text frame or a REST batch: JSON for everybody. */
export function textBroadcast(sub: string, payload: unknown): Broadcast {
  const message = { joinRef: null, ref: null, topic: clientTopic(sub), event: 'broadcast', payload }
  return encodedOnce(undefined, (version) => encode(version, message))
}

export function clientTopic(sub: string): string {
  return `realtime:${sub}`
}

function encodedOnce(id: string | undefined, encodeFor: (version: Version) => Frame | undefined): Broadcast {
  const frames = new Map<Version, Frame | undefined>()
  return {
    id,
    frame(version) {
      if (!frames.has(version)) frames.set(version, encodeFor(version))
      return frames.get(version)
    },
  }
}
