import { randomBytes } from 'node:crypto'
import type { Channel } from './channel.ts'
import type { JsonObject } from './json.ts'

type Metas = Record<string, { metas: JsonObject[] }>

export interface PresenceDiff {
  readonly joins: Metas
  readonly leaves: Metas
}

interface Tracked {
  readonly key: string
  readonly payload: string
  readonly meta: JsonObject
}

/** Who says to be present on one address. Several channels may share a key: each adds a meta to it. */
export class PresenceRoom {
  readonly #tracked = new Map<Channel, Tracked>()

  /** Tracks, or changes what is tracked. `undefined`: nothing changed. */
  track(channel: Channel, key: string, payload: JsonObject): PresenceDiff | undefined {
    const before = this.#tracked.get(channel)
    const text = JSON.stringify(payload)
    if (before?.payload === text) return undefined
    const previous = before === undefined ? {} : { phx_ref_prev: before.meta.phx_ref }
    const meta = { ...payload, phx_ref: randomBytes(12).toString('base64url'), ...previous }
    this.#tracked.set(channel, { key, payload: text, meta })
    return { joins: metas({ key, meta }), leaves: before === undefined ? {} : metas(before) }
  }

  untrack(channel: Channel): PresenceDiff | undefined {
    const before = this.#tracked.get(channel)
    if (before === undefined) return undefined
    this.#tracked.delete(channel)
    return { joins: {}, leaves: metas(before) }
  }

  state(): Metas {
    const state: Metas = {}
    for (const { key, meta } of this.#tracked.values()) {
      const entry = Object.hasOwn(state, key) ? state[key] : undefined
      if (entry === undefined) define(state, key, { metas: [meta] })
      else entry.metas.push(meta)
    }
    return state
  }
}

function metas({ key, meta }: { key: string; meta: JsonObject }): Metas {
  return define({}, key, { metas: [meta] })
}

/** A client chooses the key, so it may be `__proto__`. */
function define(target: Metas, key: string, value: { metas: JsonObject[] }): Metas {
  return Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}
