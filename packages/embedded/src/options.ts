import { delimiter, resolve } from 'node:path'
import { parseOptions } from '@aimq/events'
import * as v from 'valibot'
import { EmbeddedError, embeddedErrorCodes } from './errors.ts'
import { type EmbeddedRealtimeOptions, embeddedRealtimeSchema } from './realtime/options.ts'

export interface EmbeddedOptions {
  /**
   * Folder that keeps the data across runs; relative to the working directory.
   * @default '.aimq'
   */
  readonly dataDir?: string
  /**
   * TCP port on 127.0.0.1. Given and in use by somebody else: an error.
   * @default 54329, or any free port when that is in use
   */
  readonly port?: number
  /**
   * Extra server settings, such as `{ fsync: 'off' }` for throw-away test data. They count when this call starts the
   * server; a server that is already running keeps the settings it was started with.
   * @default {}
   */
  readonly settings?: Readonly<Record<string, string>>
  /**
   * The folder of another PostgreSQL installation (with `bin`, `lib` and `share`), version 14 or newer: the one you run
   * in production. Before 18, which can load extensions from anywhere, pgmq is installed as plain SQL.
   * @default PostgreSQL 18, which comes with this package
   */
  readonly binaries?: string
  /**
   * Delete the data when the last user of the server stops it.
   * @default false
   */
  readonly temporary?: boolean
  /**
   * Serve Supabase Realtime's protocol on the database too. Each process that asks runs a Realtime server of its own,
   * also when it joins a PostgreSQL that runs already.
   * @default no Realtime
   */
  readonly realtime?: true | EmbeddedRealtimeOptions
  /** Abort undoes a start under way. It has no meaning after that. */
  readonly signal?: AbortSignal
}

export interface ResolvedOptions {
  /** Absolute. */
  readonly dataDir: string
  /** `undefined`: {@link defaultPort}, or any free one. */
  readonly port: number | undefined
  readonly settings: Readonly<Record<string, string>>
  /** `undefined`: those that come with this package. */
  readonly binaries: string | undefined
  readonly temporary: boolean
  /** `undefined`: none. */
  readonly realtime: EmbeddedRealtimeOptions | undefined
  readonly signal: AbortSignal | undefined
}

/** Not 5432, so that it never fights with a PostgreSQL of the system. */
export const defaultPort = 54_329

const defaults = { dataDir: '.aimq', temporary: false } satisfies Partial<EmbeddedOptions>

/** Settings this package depends on, and what to do instead of setting them. */
const ownSettings: Readonly<Record<string, string>> = {
  config_file: 'the settings file is written on every start',
  data_directory: 'use the option dataDir',
  extension_control_path: 'pgmq is found through it',
  listen_addresses: 'the server listens on 127.0.0.1 only, its password is public',
  port: 'use the option port',
  unix_socket_directories: 'connect by TCP to 127.0.0.1',
}

/** `pg_ctl` passes paths through a shell, and PostgreSQL splits its extension path at the delimiter. */
const unsafeInPath: readonly string[] =
  process.platform === 'win32' ? ['"', '%', '\n', delimiter] : ['"', '$', '`', '\\', '\n', delimiter]

const schema = v.strictObject({
  dataDir: v.optional(
    v.pipe(
      v.string(),
      v.nonEmpty('expected the path of a folder, got an empty string'),
      v.check(
        (dataDir) => !unsafeInPath.some((character) => resolve(dataDir).includes(character)),
        ({ input }) =>
          `expected a path without ${unsafeInPath.map((character) => JSON.stringify(character)).join(' ')}, got ${JSON.stringify(resolve(input))}`,
      ),
    ),
    defaults.dataDir,
  ),
  port: v.optional(
    v.pipe(
      v.number(),
      v.check(
        (port) => Number.isInteger(port) && port >= 1 && port <= 65_535,
        ({ input }) => `expected a whole number from 1 to 65535, or nothing for a free port, got ${input}`,
      ),
    ),
  ),
  settings: v.optional(
    v.pipe(
      v.record(v.string(), v.string()),
      v.rawCheck(({ dataset, addIssue }) => {
        if (!dataset.typed) return
        for (const name of Object.keys(dataset.value)) {
          const reason = ownSettings[name.toLowerCase()]
          if (reason !== undefined) addIssue({ message: `"${name}" cannot be set: ${reason}` })
          else if (!/^[a-z_][a-z0-9_.]*$/i.test(name))
            addIssue({ message: `expected names of server settings, got ${JSON.stringify(name)}` })
        }
      }),
    ),
    {},
  ),
  binaries: v.optional(v.pipe(v.string(), v.nonEmpty('expected the path of a folder, got an empty string'))),
  temporary: v.optional(v.boolean(), defaults.temporary),
  realtime: v.optional(
    v.lazy(
      (input): v.GenericSchema<true | EmbeddedRealtimeOptions> =>
        input === true ? v.literal(true) : embeddedRealtimeSchema,
    ),
  ),
  signal: v.optional(v.instance(AbortSignal)),
})

/** Fills in the defaults. All faults are reported together. */
export function resolveOptions(input: EmbeddedOptions): ResolvedOptions {
  const options = parseOptions(
    'startEmbedded',
    schema,
    input,
    (message) => new EmbeddedError(embeddedErrorCodes.invalidOptions, message),
  )
  return {
    dataDir: resolve(options.dataDir),
    port: options.port,
    settings: options.settings,
    binaries: options.binaries === undefined ? undefined : resolve(options.binaries),
    temporary: options.temporary,
    realtime: options.realtime === true ? {} : options.realtime,
    signal: options.signal,
  }
}
