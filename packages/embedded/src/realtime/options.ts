import { type Logger, parseOptions, silentLogger } from '@aimq/events'
import * as v from 'valibot'
import { EmbeddedError, embeddedErrorCodes } from '../errors.ts'
import type { RealtimeLimits } from './limits.ts'

export interface RealtimeOptions {
  /** The database whose `realtime.messages` is served. Its user must be a superuser, or at least have REPLICATION. */
  readonly connectionString: string
  /**
   * TCP port. Given and in use by somebody else: an error.
   * @default 54330, or any free port when that is in use
   */
  readonly port?: number
  /**
   * Address to listen on. Anything but a loopback address needs a `jwtSecret` of your own.
   * @default '127.0.0.1'
   */
  readonly host?: string
  /**
   * Secret that signs and verifies tokens (HS256).
   * @default the public one of the Supabase command line tool
   */
  readonly jwtSecret?: string
  /**
   * How long a refused join waits for its answer.
   * @default 5000, as Supabase does
   */
  readonly joinErrorDelayMs?: number
  /**
   * A socket that says nothing for so long is closed.
   * @default 60000
   */
  readonly idleTimeoutMs?: number
  /**
   * Longest time between two looks at the expiry of a channel's token.
   * @default 300000
   */
  readonly tokenCheckMs?: number
  /**
   * How long a join with `replication_ready` waits for the stream before its channel is closed.
   * @default 60000
   */
  readonly replicationReadyTimeoutMs?: number
  /**
   * Refuse joins of public channels.
   * @default false
   */
  readonly privateOnly?: boolean
  /** What to limit; presence calls are limited unless told otherwise, nothing else is. */
  readonly limits?: RealtimeLimits
  /**
   * Where the server says what it does.
   * @default silent
   */
  readonly logger?: Logger
  /** Abort undoes a start under way. It has no meaning after that. */
  readonly signal?: AbortSignal
}

/** The options of `startRealtime` that `startEmbedded` does not know by itself. */
export type EmbeddedRealtimeOptions = Omit<RealtimeOptions, 'connectionString' | 'host' | 'signal'>

export type ResolvedRealtimeOptions = Required<Omit<RealtimeOptions, 'port' | 'signal'>> & {
  readonly port: number | undefined
  readonly signal: AbortSignal | undefined
}

export const defaultRealtimePort = 54_330
/** Public knowledge: it is the one Supabase's own local stack uses. */
export const defaultJwtSecret = 'super-secret-jwt-token-with-at-least-32-characters-long'

const defaults = {
  host: '127.0.0.1',
  jwtSecret: defaultJwtSecret,
  joinErrorDelayMs: 5000,
  idleTimeoutMs: 60_000,
  tokenCheckMs: 300_000,
  replicationReadyTimeoutMs: 60_000,
  privateOnly: false,
  limits: {},
  logger: silentLogger,
} satisfies Partial<RealtimeOptions>

const loopback = /^(127(\.\d{1,3}){3}|::1|localhost)$/i
const ms = v.pipe(v.number(), v.finite(), v.minValue(0))
const amount = v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)))
const portSchema = v.pipe(
  v.number(),
  v.check(
    (port) => Number.isInteger(port) && port >= 1 && port <= 65_535,
    ({ input }) => `expected a whole number from 1 to 65535, or nothing for a free port, got ${input}`,
  ),
)
const jwtSecretSchema = v.pipe(
  v.string(),
  // Never in the message: it is a secret.
  v.check((secret) => Buffer.byteLength(secret) >= 32, 'expected at least 32 bytes'),
)

const schema = v.strictObject({
  connectionString: v.pipe(v.string(), v.nonEmpty('expected a connection string, got an empty string')),
  port: v.optional(portSchema),
  host: v.optional(v.pipe(v.string(), v.nonEmpty('expected an address')), defaults.host),
  jwtSecret: v.optional(jwtSecretSchema, defaults.jwtSecret),
  joinErrorDelayMs: v.optional(ms, defaults.joinErrorDelayMs),
  idleTimeoutMs: v.optional(ms, defaults.idleTimeoutMs),
  tokenCheckMs: v.optional(ms, defaults.tokenCheckMs),
  replicationReadyTimeoutMs: v.optional(ms, defaults.replicationReadyTimeoutMs),
  privateOnly: v.optional(v.boolean(), defaults.privateOnly),
  limits: v.optional(
    v.strictObject({
      sockets: amount,
      channelsPerSocket: amount,
      joinsPerSecond: amount,
      eventsPerSecond: amount,
      rateBucketMs: amount,
      payloadBytes: amount,
      presenceCalls: v.optional(v.union([v.literal(false), v.pipe(v.number(), v.minValue(0))])),
      presenceWindowMs: amount,
    }),
    defaults.limits,
  ),
  logger: v.optional(v.custom<Logger>(isLogger, 'expected a logger'), defaults.logger),
  signal: v.optional(v.instance(AbortSignal)),
})

/** What `startEmbedded` passes on; the rest it knows by itself. */
export const embeddedRealtimeSchema: v.GenericSchema<EmbeddedRealtimeOptions> = v.omit(schema, [
  'connectionString',
  'host',
  'signal',
]) as v.GenericSchema<EmbeddedRealtimeOptions>

/** Fills in the defaults. All faults are reported together. */
export function resolveRealtimeOptions(input: RealtimeOptions): ResolvedRealtimeOptions {
  const fail = (message: string) => new EmbeddedError(embeddedErrorCodes.invalidOptions, message)
  const options = parseOptions('startRealtime', schema, input, fail)
  if (!loopback.test(options.host) && options.jwtSecret === defaultJwtSecret) {
    throw fail(
      `startRealtime: one option is not usable\n  - jwtSecret: expected a secret of your own, because ${options.host} is not a loopback address and everybody knows the default one`,
    )
  }
  const { port, signal, limits, ...rest } = options
  return { ...rest, limits: limits as RealtimeLimits, port, signal }
}

function isLogger(value: unknown): boolean {
  const logger = value as Partial<Record<keyof Logger, unknown>> | null
  return (['debug', 'info', 'warn', 'error'] as const).every((level) => typeof logger?.[level] === 'function')
}
