import type { Backing } from './backing.ts'
import type { Database } from './database.ts'
import type { Gate } from './gate.ts'
import type { Hub } from './hub.ts'
import type { RateLimit } from './limits.ts'
import type { ResolvedRealtimeOptions } from './options.ts'
import type { Socket } from './socket.ts'
import type { Tokens } from './tokens.ts'

/** A join that was asked for, and what became of it. */
export interface JoinRecord {
  readonly topic: string
  readonly private: boolean
  /** Role of the token it was judged by, when that was good. */
  readonly role: string | undefined
  /** `undefined`: it was let in. */
  readonly reason: string | undefined
}

/** How many joins are remembered for tests to look at. */
export const maxJoinRecords = 1000

/** What the parts of one server share. */
export interface Context {
  readonly options: ResolvedRealtimeOptions
  readonly tokens: Tokens
  readonly database: Database
  readonly backing: Backing
  readonly hub: Hub
  readonly gate: Gate
  readonly events: RateLimit
  readonly joinRate: RateLimit
  readonly sockets: Set<Socket>
  readonly joins: JoinRecord[]
}
