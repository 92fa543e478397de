import * as v from 'valibot'

/** One row per thing that can be set: the flag, its environment twin, what is accepted. Help, parser and README agree. */
export interface Setting {
  /** As commander writes it: `--port <n>`; `--drain` for a switch. */
  readonly flag: string
  readonly variable: string
  /** From text to value. A switch has none: its flag says yes, `--no-<flag>` says no. */
  readonly schema: v.GenericSchema<string, unknown>
  readonly help: string
}

/** Of all that is set here and in an extension. */
export type Settings = Readonly<Record<string, Setting>>

export const whole = (min: number, max: number): v.GenericSchema<string, number> =>
  v.pipe(
    v.string(),
    v.check(
      (text) => /^\d{1,12}$/.test(text) && Number(text) >= min && Number(text) <= max,
      `expected a whole number from ${min} to ${max}`,
    ),
    v.transform(Number),
  )

const oneOf = <const Choice extends string>(...choices: Choice[]) =>
  v.picklist(choices, `expected ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`)

export const path: v.GenericSchema<string, string> = v.pipe(
  v.string(),
  v.check((text) => text.trim() !== '' && !text.includes('\0'), 'expected a path'),
)

export const yesOrNo: v.GenericSchema<string, boolean> = v.pipe(
  v.string(),
  v.regex(/^(true|false|yes|no|on|off|1|0)$/i, 'expected true or false'),
  v.transform((text) => /^(true|yes|on|1)$/i.test(text)),
)

const dayMs = 86_400_000

export const workerSettings = {
  handlers: {
    flag: '--handlers <path>',
    variable: 'AIMQ_HANDLERS',
    schema: path,
    help: 'folder with one handler per file, or a module with a record of them',
  },
  drain: {
    flag: '--drain',
    variable: 'AIMQ_DRAIN',
    schema: yesOrNo,
    help: 'exit when nothing is ready, in hand, or waiting for another try (default: no)',
  },
  createQueues: {
    flag: '--create-queues',
    variable: 'AIMQ_CREATE_QUEUES',
    schema: yesOrNo,
    help: 'create queues that are missing (default: yes)',
  },
  concurrency: {
    flag: '--concurrency <n>',
    variable: 'AIMQ_CONCURRENCY',
    schema: whole(1, 10_000),
    help: 'jobs at once per queue (default: 10)',
  },
  pollIntervalMs: {
    flag: '--poll-interval-ms <n>',
    variable: 'AIMQ_POLL_INTERVAL_MS',
    schema: whole(10, dayMs),
    help: 'longest pause between two looks at an idle queue, for when nothing wakes the worker (default: 1000)',
  },
  triggers: {
    flag: '--triggers',
    variable: 'AIMQ_TRIGGERS',
    schema: yesOrNo,
    help: 'let the database tell of new jobs: install a trigger on each queue that has none (default: as --create-queues)',
  },
  listen: {
    flag: '--listen',
    variable: 'AIMQ_LISTEN',
    schema: yesOrNo,
    help: 'be woken over LISTEN/NOTIFY, on a session of its own to DIRECT_URL or DATABASE_URL (default: yes)',
  },
  realtime: {
    flag: '--realtime',
    variable: 'AIMQ_REALTIME',
    schema: yesOrNo,
    help: 'be woken over Supabase Realtime, with SUPABASE_URL and SUPABASE_KEY (default: yes, when they are set)',
  },
  realtimePublic: {
    flag: '--realtime-public',
    variable: 'AIMQ_REALTIME_PUBLIC',
    schema: yesOrNo,
    help: 'hear the public Realtime channel instead of the private one; anybody with the anon key can send there (default: no)',
  },
  gracePeriodMs: {
    flag: '--grace-period-ms <n>',
    variable: 'AIMQ_GRACE_PERIOD_MS',
    schema: whole(0, dayMs),
    help: 'how long jobs may finish after SIGTERM before they are handed back (default: 15000)',
  },
  databaseUrlEnv: {
    flag: '--database-url-env <name>',
    variable: 'AIMQ_DATABASE_URL_ENV',
    schema: v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable')),
    help: 'the variable that holds the connection string (default: DATABASE_URL)',
  },
  dataDir: {
    flag: '--data-dir <path>',
    variable: 'AIMQ_DATA_DIR',
    schema: path,
    help: 'where the embedded PostgreSQL keeps its data (default: .aimq)',
  },
  port: {
    flag: '--port <n>',
    variable: 'AIMQ_PORT',
    schema: whole(1, 65_535),
    help: 'port of the embedded PostgreSQL, on loopback (default: 54329, or a free one)',
  },
  logLevel: {
    flag: '--log-level <level>',
    variable: 'AIMQ_LOG_LEVEL',
    schema: oneOf('debug', 'info', 'warn', 'error'),
    help: 'debug, info, warn or error (default: info; warn while samples are shown)',
  },
  logFormat: {
    flag: '--log-format <format>',
    variable: 'AIMQ_LOG_FORMAT',
    schema: oneOf('pretty', 'json'),
    help: 'pretty or json (default: pretty on a terminal and with samples, json otherwise)',
  },
  logPayloads: {
    flag: '--log-payloads',
    variable: 'AIMQ_LOG_PAYLOADS',
    schema: yesOrNo,
    help: 'log what is in the jobs; personal data ends up in the logs (default: no)',
  },
  // Not --env-file: Node takes that for itself, also behind the name of the script, and ends without our words.
  env: {
    flag: '--env <path>',
    variable: 'AIMQ_ENV_FILE',
    schema: path,
    help: 'file with more variables; those already set win (default: .env if there is one)',
  },
} as const satisfies Settings

/** What was set, and nothing else: defaults are for whoever uses the value. */
export type SettingValues = {
  [Name in keyof typeof workerSettings]?: v.InferOutput<(typeof workerSettings)[Name]['schema']>
}

/** `--drain` of `--drain`, `--port` of `--port <n>`. */
export const flagOf = ({ flag }: Setting): string => flag.split(' ')[0] ?? ''

export const isSwitch = ({ flag }: Setting): boolean => !flag.includes('<')

/** All of a program's settings, in the order of the help: what it adds comes behind the handlers. */
export function allSettings(more: Settings = {}): Settings {
  const { handlers, ...rest } = workerSettings
  return { handlers, ...more, ...rest }
}
