import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { didYouMean, redact } from '@aimq/events'
import * as v from 'valibot'
import { type EnvFile, readEnvFile } from './env-file.ts'
import { helpText, readFlags } from './flags.ts'
import { flagName, type SettingName, type SettingValues, settingNames, settings } from './settings.ts'
import { readWakeUps, type WakeUps } from './wake-up-settings.ts'

export interface Config {
  /** Undefined: the embedded PostgreSQL. */
  readonly databaseUrl: string | undefined
  /** Where the connection string came from, for messages. */
  readonly databaseUrlVariable: string
  readonly dataDir: string
  readonly port: number | undefined
  /** Folder or module, as it was given; undefined: none was. */
  readonly handlers: string | undefined
  /** Work the sample queues. */
  readonly samples: boolean
  /** Fill them when they have never held anything. */
  readonly sampleJobs: boolean
  readonly drain: boolean
  readonly createQueues: boolean
  readonly concurrency: number
  readonly pollIntervalMs: number
  readonly gracePeriodMs: number
  readonly wakeUps: WakeUps
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly logFormat: 'pretty' | 'json'
  readonly logPayloads: boolean
  readonly digestRoot: string
  readonly webhookTimeoutMs: number
  /** Flags, environment and `.env` in one: what handlers find in `process.env`. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly warnings: readonly string[]
}

export type ConfigResult =
  | { readonly kind: 'config'; readonly config: Config }
  | { readonly kind: 'help'; readonly text: string }
  /** The handlers may have faults of their own, to be told along. */
  | {
      readonly kind: 'faults'
      readonly text: string
      readonly handlers: string | undefined
      readonly environment: Config['environment']
    }

export interface ConfigInput {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly isTerminal: boolean
}

/** Flags beat the environment, which beats `.env`. Everything that is wrong is told at once. */
export function readConfig({ argv, env, cwd, isTerminal }: ConfigInput): ConfigResult {
  const flags = readFlags(argv)
  if (flags.help) return { kind: 'help', text: helpText() }
  const askedEnvFile = (flags.given.env ?? env[settings.env.variable]) || undefined
  const envFile = readEnvFile(askedEnvFile ?? '.env', cwd, askedEnvFile !== undefined)
  // An empty variable counts as not set: that is what `NAME= worker` and compose files mean by it.
  const environment = {
    ...envFile.values,
    ...Object.fromEntries(Object.entries(env).filter(([, value]) => value)),
  }

  const faults = [...flags.faults, ...envFile.faults]
  /** What the person wrote, for messages. */
  const originOf = (name: SettingName) =>
    flags.given[name] === undefined ? variableOrigin(settings[name].variable, env, envFile) : flagName(name)
  const values: Partial<Record<SettingName, unknown>> = {}
  for (const name of settingNames) {
    const { variable, schema } = settings[name]
    const text = flags.given[name] ?? (environment[variable] || undefined)
    if (text === undefined) continue
    const origin = originOf(name)
    const parsed = v.safeParse(schema as v.GenericSchema<string, unknown>, text)
    // A variable of the shell that is not set: --data-dir "$DATA". The default would be a surprise.
    if (text === '') faults.push(`${origin}: expected a value, got an empty one`)
    else if (parsed.success) values[name] = parsed.output
    else faults.push(`${origin}: ${parsed.issues[0]?.message}, got ${shown(text)}`)
  }
  const given = values as SettingValues

  const variable = given.databaseUrlEnv ?? 'DATABASE_URL'
  const databaseUrl = environment[variable] || undefined
  if (databaseUrl !== undefined)
    faults.push(...databaseUrlFaults(databaseUrl, variableOrigin(variable, env, envFile)))
  else if (given.databaseUrlEnv !== undefined) {
    faults.push(`${variable}: expected a connection string in this variable, got nothing`)
  }
  const wakeUps = readWakeUps(given, environment, databaseUrl)
  faults.push(...wakeUps.faults)
  const samples = given.samples ?? false
  const builtIn = samples || (databaseUrl === undefined && given.handlers === undefined)
  if (!builtIn && given.handlers === undefined) {
    faults.push(
      'nothing to work: say where your handlers are with --handlers <path> or AIMQ_HANDLERS; or --samples',
    )
  }
  const digestRoot = resolve(cwd, given.digestRoot ?? '.')
  if (builtIn) {
    if (!statSync(digestRoot, { throwIfNoEntry: false })?.isDirectory()) {
      faults.push(`${originOf('digestRoot')}: expected a folder, got ${shown(given.digestRoot ?? cwd)}`)
    }
    faults.push(...secretFaults(environment))
  }
  if (faults.length > 0)
    return { kind: 'faults', text: faultsText(faults), handlers: given.handlers, environment }

  // Samples are for a person to look at; a service logs.
  const logFormat = given.logFormat ?? (isTerminal || builtIn ? 'pretty' : 'json')
  return {
    kind: 'config',
    config: {
      databaseUrl,
      databaseUrlVariable: variable,
      dataDir: resolve(cwd, given.dataDir ?? '.aimq'),
      port: given.port,
      handlers: given.handlers,
      samples: builtIn,
      sampleJobs: builtIn && given.samples !== false,
      drain: given.drain ?? false,
      createQueues: given.createQueues ?? true,
      concurrency: given.concurrency ?? 10,
      pollIntervalMs: given.pollIntervalMs ?? 1000,
      gracePeriodMs: given.gracePeriodMs ?? 15_000,
      wakeUps: wakeUps.settings,
      logLevel: given.logLevel ?? (builtIn && logFormat === 'pretty' ? 'warn' : 'info'),
      logFormat,
      logPayloads: given.logPayloads ?? false,
      digestRoot,
      webhookTimeoutMs: given.webhookTimeoutMs ?? 15_000,
      environment,
      warnings: [
        ...envFile.warnings,
        ...misspelt(environment),
        ...wakeUps.warnings,
        ...payloadWarning(given.logPayloads),
      ],
    },
  }
}

/** Each fault has hidden its own secrets: `redact` over the whole would take the names of variables for them. */
function faultsText(faults: readonly string[]): string {
  const count = faults.length === 1 ? 'one setting is' : `${faults.length} settings are`
  return `worker: ${count} not usable; nothing was started\n${faults.map((fault) => `  - ${fault}\n`).join('')}Try --help\n`
}

const variableOrigin = (name: string, env: ConfigInput['env'], envFile: EnvFile): string =>
  !env[name] && envFile.values[name] !== undefined ? `${name} (env file)` : name

const shown = (text: string): string => JSON.stringify(redact(text).slice(0, 80))

/** Never with the value: it holds a password, and a mistyped one does not look like one. */
function databaseUrlFaults(url: string, origin: string): string[] {
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return []
  return [
    `${origin}: expected a connection string such as postgres://user:password@host:5432/database (not shown, it may hold a secret; special characters in the password are written as %40 and the like)`,
  ]
}

const isSecretVariable = (name: string) => /^WEBHOOK_SECRET(_|$)/.test(name)

function secretFaults(environment: Readonly<Record<string, string | undefined>>): string[] {
  const faults: string[] = []
  for (const [name, secret] of Object.entries(environment)) {
    if (!isSecretVariable(name) || secret === undefined) continue
    const usable = secret.startsWith('whsec_')
      ? /^whsec_[A-Za-z0-9+/]{22,}={0,2}$/.test(secret)
      : secret.length >= 16
    if (!usable)
      faults.push(
        `${name}: expected at least 16 characters, or whsec_ and at least 16 bytes of base64 (not shown)`,
      )
  }
  return faults
}

/** A misspelt variable would be ignored without a word; others that begin with AIMQ_ belong to somebody else. */
function misspelt(environment: Readonly<Record<string, string | undefined>>): string[] {
  const known = settingNames.map((name) => settings[name].variable as string)
  return Object.keys(environment).flatMap((name) => {
    if (!name.startsWith('AIMQ_') || known.includes(name)) return []
    const hint = didYouMean(name, known)
    return hint.includes('did you mean') ? [`${name} is not a setting of this worker${hint}`] : []
  })
}

const payloadWarning = (on: boolean | undefined): string[] =>
  on ? ['payloads are logged: whatever personal data and secrets the jobs carry ends up in the logs'] : []
