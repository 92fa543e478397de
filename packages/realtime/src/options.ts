import { parseOptions, summarizeError } from '@aimq/events'
import { parseTls } from '@aimq/events/tls'
import * as v from 'valibot'
import { RealtimeError, realtimeErrorCodes } from './errors.ts'

/** Wake-ups over PostgreSQL's LISTEN/NOTIFY. Needs a session of its own: no transaction pooler in between. */
export interface ListenOptions {
  readonly connectionString: string
  /** @default 'aimq:jobs' */
  readonly channel?: string
  /** How often a canary makes the round trip while nothing else proves the path. @default 15_000 */
  readonly canaryIntervalMs?: number
}

/** Wake-ups over Supabase Realtime. Needs HTTPS and a key, no database connection. */
export interface SupabaseOptions {
  /** The project's URL, `https://<ref>.supabase.co`, or the Realtime endpoint itself. */
  readonly url: string
  /** The publishable or anon key; or a secret one, which needs no policies and may do everything. */
  readonly key: string
  /** A fresh access token for private channels, asked for on every connect and heartbeat. */
  readonly accessToken?: () => Promise<string | null>
  /** @default 'aimq:jobs' */
  readonly topic?: string
  /** @default 'job_enqueued' */
  readonly event?: string
  /** False: the public channel, on which anybody with the anon key can listen and send. @default true */
  readonly private?: boolean
  /**
   * A database connection that sends canaries and broadcasts by `realtime.send`, the way database triggers do. Without
   * it they go over the socket, which a private channel allows only with an insert policy.
   * @default the connection string of `listen`, if there is one
   */
  readonly connectionString?: string
  /** @default 30_000 */
  readonly canaryIntervalMs?: number
}

/** At least one of the two. */
export interface RealtimeOptions {
  readonly listen?: string | ListenOptions | undefined
  readonly supabase?: SupabaseOptions | undefined
}

export interface ResolvedOptions {
  readonly listen: Required<ListenOptions> | undefined
  readonly supabase: ResolvedSupabase | undefined
}

export type ResolvedSupabase = Required<Omit<SupabaseOptions, 'accessToken' | 'connectionString'>> &
  Pick<SupabaseOptions, 'accessToken' | 'connectionString'>

const milliseconds = v.pipe(
  v.number(),
  v.check(
    (value) => Number.isInteger(value) && value >= 100 && value <= 86_400_000,
    'expected whole milliseconds from 100 to 86400000',
  ),
)
const text = v.pipe(v.string(), v.nonEmpty('expected a text that is not empty'))
const postgresUrl = v.pipe(
  v.string(),
  v.regex(/^postgres(ql)?:\/\//, 'expected a connection string such as postgres://user@host:5432/database'),
  v.rawCheck(({ dataset, addIssue }) => {
    try {
      if (dataset.typed) parseTls(dataset.value)
    } catch (thrown) {
      addIssue({ message: summarizeError(thrown).message })
    }
  }),
)
const webUrl = v.pipe(
  v.string(),
  v.check(
    (value) => URL.canParse(value) && /^(https?|wss?):/.test(value),
    'expected a URL such as https://<ref>.supabase.co',
  ),
  v.check(
    (value) => !URL.canParse(value) || /^(https|wss):/.test(value) || isLoopback(new URL(value).hostname),
    'expected https: the key would travel in plaintext (http is for this machine only)',
  ),
)
// PostgreSQL cuts a longer channel name, and would listen to another channel.
const channel = v.pipe(text, v.maxBytes(63, 'expected at most 63 bytes'))

const listenSchema = v.strictObject({
  connectionString: postgresUrl,
  channel: v.optional(channel, 'aimq:jobs'),
  canaryIntervalMs: v.optional(milliseconds, 15_000),
})
const supabaseSchema = v.strictObject({
  url: webUrl,
  key: text,
  accessToken: v.optional(v.function()),
  topic: v.optional(v.pipe(text, v.maxBytes(240, 'expected at most 240 bytes')), 'aimq:jobs'),
  event: v.optional(text, 'job_enqueued'),
  private: v.optional(v.boolean(), true),
  connectionString: v.optional(postgresUrl),
  canaryIntervalMs: v.optional(milliseconds, 30_000),
})
const optionsSchema = v.pipe(
  v.strictObject({
    listen: v.optional(v.lazy((input) => (typeof input === 'string' ? postgresUrl : listenSchema))),
    supabase: v.optional(supabaseSchema),
  }),
  v.check(
    ({ listen, supabase }) => listen !== undefined || supabase !== undefined,
    'expected listen, supabase or both',
  ),
)

export function resolveOptions(options: RealtimeOptions): ResolvedOptions {
  const fail = (message: string) => new RealtimeError(realtimeErrorCodes.invalidOptions, message)
  const parsed = parseOptions('realtime()', optionsSchema, options, fail)
  const listen =
    typeof parsed.listen === 'string'
      ? { connectionString: parsed.listen, channel: 'aimq:jobs', canaryIntervalMs: 15_000 }
      : parsed.listen
  const supabase = parsed.supabase as ResolvedSupabase | undefined
  if (supabase === undefined) return { listen, supabase }
  const connectionString = supabase.connectionString ?? listen?.connectionString
  return {
    listen,
    supabase: { ...supabase, ...(connectionString === undefined ? {} : { connectionString }) },
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}
