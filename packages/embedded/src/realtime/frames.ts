import * as v1 from './frames-v1.ts'
import * as v2 from './frames-v2.ts'

/** Phoenix's serializer: 1 is JSON objects, 2 is JSON arrays and binary frames. */
export type Version = 1 | 2

/** The payload of a broadcast as bytes that nobody here looks into. */
export interface UserBroadcast {
  readonly event: string
  readonly encoding: 'json' | 'binary'
  readonly payload: Buffer
  readonly meta?: Readonly<Record<string, unknown>>
}

export interface Incoming {
  readonly joinRef: string | null
  readonly ref: string | null
  readonly topic: string
  readonly event: string
  readonly payload: unknown
  /** Of a broadcast in a binary frame, instead of `payload`. */
  readonly push?: UserBroadcast
}

export interface Outgoing {
  readonly joinRef: string | null
  readonly ref: string | null
  readonly topic: string
  readonly event: string
  readonly payload: unknown
}

export type Frame = string | Buffer

/** Missing is 1.0.0. `undefined`: a version nobody speaks. */
export function parseVersion(vsn: string | null): Version | undefined {
  if (vsn === null || vsn === '' || /^1\.\d+\.\d+$/.test(vsn)) return 1
  return /^2\.\d+\.\d+$/.test(vsn) ? 2 : undefined
}

/** `undefined`: malformed. Never throws. */
export function decode(version: Version, data: Buffer, isBinary: boolean): Incoming | undefined {
  try {
    if (isBinary) return version === 2 ? v2.decodeBinary(data) : undefined
    const text = data.toString('utf8')
    return version === 2 ? v2.decodeText(text) : v1.decodeText(text)
  } catch {
    return undefined
  }
}

export function encode(version: Version, message: Outgoing): string {
  return version === 2 ? v2.encodeText(message) : v1.encodeText(message)
}

/** `undefined`: this version cannot say it. */
export function encodeBroadcast(
  version: Version,
  topic: string,
  broadcast: UserBroadcast,
): Frame | undefined {
  return version === 2 ? v2.encodeBroadcast(topic, broadcast) : v1.encodeBroadcast(topic, broadcast)
}
