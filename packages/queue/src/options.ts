import { consoleLogger, type Logger, parseOptions } from '@aimq/events'
import type { Pool } from 'pg'
import * as v from 'valibot'
import { QueueError, queueErrorCodes } from './errors.ts'

/**
 * Anything that runs one statement with `$1` placeholders: a `pg` client, PGlite, or what the adapters make of an ORM's
 * transaction. All values are strings.
 */
export interface SqlClient {
  query(text: string, values: string[]): Promise<{ readonly rows: readonly unknown[] }>
}

export interface QueueClientSettings {
  /**
   * Connections at most, when the pool is ours. Few are enough: every call is one short statement.
   * @default 4
   */
  readonly maxConnections?: number
  /**
   * How long a statement may take, in milliseconds. Then its connection is destroyed and the call fails.
   * @default 15_000
   */
  readonly queryTimeoutMs?: number
  /**
   * How long getting a connection may take, in milliseconds.
   * @default 10_000
   */
  readonly connectTimeoutMs?: number
  /**
   * Prepared statements: faster, but a transaction pooler (Supavisor on port 6543, PgBouncer before 1.21) loses them.
   * @default on connections of ours that turn out to reach the server directly; not in a pool of yours
   */
  readonly preparedStatements?: boolean | undefined
  /**
   * The largest payload, in bytes of JSON; at most 8 MiB.
   * @default 262_144
   */
  readonly maxPayloadBytes?: number
  /**
   * How long an idempotency key is remembered, in milliseconds.
   * @default 86_400_000
   */
  readonly idempotencyWindowMs?: number
  /**
   * Where warnings go.
   * @default warnings and errors on stderr; on a bus, the bus's logger
   */
  readonly logger?: Logger
}

export interface QueueClientOptions extends QueueClientSettings {
  /** `postgres://user:password@host:5432/database`. Exactly one of this, `pool` and `client`. */
  readonly connectionString?: string | undefined
  /** A `pg.Pool` of yours; it is used and never closed. */
  readonly pool?: Pool
  /** One connection of yours: a `pg` client, PGlite, … It is used and never closed. */
  readonly client?: SqlClient
}

/** The default of every setting. */
export const defaults: Required<Omit<QueueClientSettings, 'preparedStatements'>> = {
  maxConnections: 4,
  queryTimeoutMs: 15_000,
  connectTimeoutMs: 10_000,
  maxPayloadBytes: 262_144,
  idempotencyWindowMs: 86_400_000,
  logger: consoleLogger,
}

export interface ResolvedOptions extends Required<Omit<QueueClientSettings, 'preparedStatements'>> {
  /** `undefined`: where the connection is direct. */
  readonly preparedStatements?: boolean | undefined
  readonly connectionString?: string | undefined
  readonly pool?: Pool | undefined
  readonly client?: SqlClient | undefined
}

const payloadCeilingBytes = 8 * 1024 * 1024
const dayMs = 86_400_000

function range(lowest: number, highest: number, unit: string) {
  const message = `expected a whole number of ${unit} from ${lowest} to ${highest}`
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(lowest, message),
    v.maxValue(highest, message),
  )
}

function having<Value>(method: string, what: string) {
  return v.custom<Value>(
    (value) => typeof (value as Record<string, unknown> | null)?.[method] === 'function',
    `expected ${what}`,
  )
}

const sources = ['connectionString', 'pool', 'client'] as const

const schema = v.pipe(
  v.strictObject({
    connectionString: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^postgres(ql)?:\/\//, 'expected a URL that begins with postgres:// or postgresql://'),
      ),
    ),
    pool: v.optional(having<Pool>('connect', 'a pg.Pool')),
    client: v.optional(having<SqlClient>('query', 'an object with query(text, values)')),
    maxConnections: v.optional(range(1, 1000, 'connections'), defaults.maxConnections),
    queryTimeoutMs: v.optional(range(1, dayMs, 'milliseconds'), defaults.queryTimeoutMs),
    connectTimeoutMs: v.optional(range(1, dayMs, 'milliseconds'), defaults.connectTimeoutMs),
    preparedStatements: v.optional(v.boolean()),
    maxPayloadBytes: v.optional(range(1, payloadCeilingBytes, 'bytes'), defaults.maxPayloadBytes),
    idempotencyWindowMs: v.optional(range(1000, 3650 * dayMs, 'milliseconds'), defaults.idempotencyWindowMs),
    logger: v.optional(
      v.custom<Logger>(
        (value) => typeof (value as Logger | null)?.warn === 'function',
        'expected a logger with debug, info, warn and error',
      ),
    ),
  }),
  // Checked whatever else is wrong, so that all faults come at once.
  v.rawCheck(({ dataset, addIssue }) => {
    const value = dataset.value as Record<string, unknown> | undefined
    const given = sources.filter((source) => value?.[source] !== undefined)
    if (given.length === 1) return
    addIssue({
      message: `expected exactly one of connectionString, pool and client, got ${given.length === 0 ? 'none' : given.join(' and ')}`,
    })
  }),
)

export function resolveOptions(options: QueueClientOptions): ResolvedOptions {
  const parsed = parseOptions(
    'createQueueClient',
    schema,
    options,
    (message) => new QueueError(queueErrorCodes.invalidOptions, message),
  )
  return { ...parsed, logger: parsed.logger ?? defaults.logger }
}
