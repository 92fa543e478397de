import {
  consoleLogger,
  type Logger,
  parseOptions,
  queueNamePattern,
  type TriggerPath,
  type TriggerSettings,
} from '@aimq/events'
import type { Client, Pool } from 'pg'
import * as v from 'valibot'
import { TriggersError, triggersErrorCodes } from './errors.ts'

/** The settings of a queue's trigger, none left out. */
export interface QueueTriggerSettings {
  readonly paths: readonly TriggerPath[]
  readonly channel: string
  readonly private: boolean
  readonly always: boolean
  readonly throttleMs: number
}

export interface TriggersSettings {
  /**
   * How long to try for the locks that a change needs, in milliseconds. Each try waits 200 ms at most, so that nobody
   * who sends has to wait longer.
   * @default 15_000
   */
  readonly lockWaitMs?: number
  /**
   * How long a statement may take, in milliseconds. Then its connection is destroyed and the call fails.
   * @default 30_000
   */
  readonly queryTimeoutMs?: number
  /**
   * How long getting a connection may take, in milliseconds.
   * @default 10_000
   */
  readonly connectTimeoutMs?: number
  /** Where warnings go. @default warnings and errors on stderr; on a bus, the bus's logger */
  readonly logger?: Logger
}

export interface TriggersClientOptions extends TriggersSettings {
  /** `postgres://user:password@host:5432/database`; connected for each call. Exactly one of this, `pool` and `client`. */
  readonly connectionString?: string | undefined
  /** A `pg.Pool` of yours; it is used and never closed. */
  readonly pool?: Pool
  /** A connected `pg.Client` of yours, not in a transaction; it is used and never closed. */
  readonly client?: Client
}

export interface ResolvedOptions extends Required<TriggersSettings> {
  readonly connectionString?: string | undefined
  readonly pool?: Pool | undefined
  readonly client?: Client | undefined
}

/** The default of every setting. */
export const defaults: Required<TriggersSettings> = {
  lockWaitMs: 15_000,
  queryTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  logger: consoleLogger,
}

/** The default of every setting of a queue's trigger. */
export const triggerDefaults: QueueTriggerSettings = {
  paths: ['notify'],
  channel: 'aimq:jobs',
  private: true,
  always: false,
  throttleMs: 100,
}

function range(lowest: number, highest: number) {
  const message = `expected a whole number of milliseconds from ${lowest} to ${highest}`
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
const dayMs = 86_400_000

/** Entries of every options object that names a database. */
export const clientEntries = {
  connectionString: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^postgres(ql)?:\/\//, 'expected a URL that begins with postgres:// or postgresql://'),
    ),
  ),
  pool: v.optional(having<Pool>('connect', 'a pg.Pool')),
  client: v.optional(having<Client>('query', 'a pg.Client')),
  lockWaitMs: v.optional(range(0, dayMs), defaults.lockWaitMs),
  queryTimeoutMs: v.optional(range(1, dayMs), defaults.queryTimeoutMs),
  connectTimeoutMs: v.optional(range(1, dayMs), defaults.connectTimeoutMs),
  logger: v.optional(having<Logger>('warn', 'a logger with debug, info, warn and error')),
}

// Names that reach a trigger's arguments: no quotes, no backslashes, nothing that is not seen.
const channelPattern = /^[A-Za-z0-9_][A-Za-z0-9_:.-]{0,62}$/

const nameMessage =
  'expected a queue name of 1 to 47 characters: a lower-case letter, then lower-case letters, digits or _'

/** Entries of everything that says what a trigger is to do. */
export const settingsEntries = {
  paths: v.optional(
    v.pipe(
      v.array(v.picklist(['notify', 'realtime'], 'expected "notify" or "realtime"')),
      v.minLength(1, 'expected "notify", "realtime" or both'),
      v.check((paths) => new Set(paths).size === paths.length, 'expected each path once'),
    ),
  ),
  channel: v.optional(
    v.pipe(
      v.string(),
      v.regex(channelPattern, 'expected 1 to 63 letters, digits, or _ : . -, such as "aimq:jobs"'),
    ),
  ),
  private: v.optional(v.boolean()),
  always: v.optional(v.boolean()),
  // Listeners look again after 5 s at most.
  throttleMs: v.optional(range(0, 4800)),
}

export const queuesEntry = v.optional(v.array(v.pipe(v.string(), v.regex(queueNamePattern, nameMessage))))

/** For {@link parseOptions}: the error of this package. */
export function refuse(message: string): TriggersError {
  return new TriggersError(triggersErrorCodes.invalidOptions, message)
}

/** For an options schema: whatever else is wrong, exactly one database must be named. */
export function oneSource(value: unknown): string | undefined {
  const given = sources.filter(
    (source) => (value as Record<string, unknown> | undefined)?.[source] !== undefined,
  )
  if (given.length === 1) return undefined
  return `expected exactly one of connectionString, pool and client, got ${given.length === 0 ? 'none' : given.join(' and ')}`
}

const clientSchema = v.pipe(
  v.strictObject(clientEntries),
  v.rawCheck(({ dataset, addIssue }) => {
    const message = oneSource(dataset.value)
    if (message !== undefined) addIssue({ message })
  }),
)

export function resolveOptions(options: TriggersClientOptions): ResolvedOptions {
  const parsed = parseOptions('createTriggersClient', clientSchema, options, refuse)
  return { ...parsed, logger: parsed.logger ?? defaults.logger }
}

type Wish = { readonly [Name in keyof TriggerSettings]: TriggerSettings[Name] | undefined }

/** What was asked for over what is usual here. */
export function settingsFrom(wish: Wish, usual: QueueTriggerSettings): QueueTriggerSettings {
  return {
    // In one order, so that the same wish is the same trigger.
    paths: (['notify', 'realtime'] as const).filter((path) => (wish.paths ?? usual.paths).includes(path)),
    channel: wish.channel ?? usual.channel,
    private: wish.private ?? usual.private,
    always: wish.always ?? usual.always,
    throttleMs: wish.throttleMs ?? usual.throttleMs,
  }
}
