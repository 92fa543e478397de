import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { didYouMean, redact } from '@aimq/events'
import * as v from 'valibot'
import type { Environment } from '../context.ts'
import { connectionStringFault } from '../database.ts'
import { type EnvFile, readEnvFile } from '../env-file.ts'
import { helpText, readFlags } from './flags.ts'
import type { WorkerProgram } from './program.ts'
import { allSettings, flagOf, type Settings, type SettingValues, workerSettings } from './settings.ts'
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
  readonly drain: boolean
  readonly createQueues: boolean
  /** Install wake-up triggers on queues that have none. */
  readonly triggers: boolean
  readonly concurrency: number
  readonly pollIntervalMs: number
  readonly gracePeriodMs: number
  readonly wakeUps: WakeUps
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly logFormat: 'pretty' | 'json'
  readonly logPayloads: boolean
  /** Flags, environment and `.env` in one: what handlers find in `process.env`. */
  readonly environment: Environment
  readonly warnings: readonly string[]
}

export type { Environment }

export type ConfigResult<Own extends object> =
  | { readonly kind: 'config'; readonly config: Config & Own }
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
export function readConfig<Own extends object>(
  { argv, env, cwd, isTerminal }: ConfigInput,
  program: WorkerProgram<Own>,
): ConfigResult<Own> {
  const { name: programName, extension, defaultHandlers } = program
  const settings = allSettings(extension?.settings)
  const flags = readFlags(argv, program)
  if (flags.help) return { kind: 'help', text: helpText(program) }
  const askedEnvFile = (flags.given.env ?? env[workerSettings.env.variable]) || undefined
  const envFile = readEnvFile(askedEnvFile ?? '.env', cwd, askedEnvFile !== undefined)
  // An empty variable counts as not set: that is what `NAME= worker` and compose files mean by it.
  const environment = {
    ...envFile.values,
    ...Object.fromEntries(Object.entries(env).filter(([, value]) => value)),
  }

  const faults = [...flags.faults, ...envFile.faults]
  /** What the person wrote, for messages. */
  const originOf = (name: string) => {
    const setting = settings[name]
    if (setting === undefined) return name
    return flags.given[name] === undefined ? variableOrigin(setting.variable, env, envFile) : flagOf(setting)
  }
  const values: Record<string, unknown> = {}
  for (const [name, { variable, schema }] of Object.entries(settings)) {
    const text = flags.given[name] ?? (environment[variable] || undefined)
    if (text === undefined) continue
    const origin = originOf(name)
    const parsed = v.safeParse(schema, text)
    // A variable of the shell that is not set: --data-dir "$DATA". The default would be a surprise.
    if (text === '') faults.push(`${origin}: expected a value, got an empty one`)
    else if (parsed.success) values[name] = parsed.output
    else faults.push(`${origin}: ${parsed.issues[0]?.message}, got ${shown(text)}`)
  }
  const given = values as SettingValues

  const variable = given.databaseUrlEnv ?? 'DATABASE_URL'
  const databaseUrl = environment[variable] || undefined
  if (databaseUrl !== undefined)
    faults.push(...connectionStringFault(databaseUrl, variableOrigin(variable, env, envFile)))
  else if (given.databaseUrlEnv !== undefined) {
    faults.push(`${variable}: expected a connection string in this variable, got nothing`)
  }
  const wakeUps = readWakeUps(given, environment, databaseUrl)
  faults.push(...wakeUps.faults)
  const own = extension?.read({ given, own: values, environment, databaseUrl, cwd, originOf })
  const handlers = given.handlers ?? (own?.active ? undefined : existing(defaultHandlers, cwd))
  if (!own?.active && handlers === undefined) {
    faults.push(
      `nothing to work: say where your handlers are with --handlers <path> or AIMQ_HANDLERS${extension?.instead ?? ''}`,
    )
  }
  faults.push(...(own?.faults ?? []))
  if (faults.length > 0)
    return { kind: 'faults', text: faultsText(faults, programName), handlers, environment }

  // Samples are for a person to look at; a service logs.
  const logFormat = given.logFormat ?? (isTerminal || own?.active ? 'pretty' : 'json')
  return {
    kind: 'config',
    config: {
      databaseUrl,
      databaseUrlVariable: variable,
      dataDir: resolve(cwd, given.dataDir ?? '.aimq'),
      port: given.port,
      ...(own?.own as Own),
      handlers,
      drain: given.drain ?? false,
      createQueues: given.createQueues ?? true,
      // Who may not make queues should not change them, either.
      triggers: given.triggers ?? given.createQueues ?? true,
      concurrency: given.concurrency ?? 10,
      pollIntervalMs: given.pollIntervalMs ?? 1000,
      gracePeriodMs: given.gracePeriodMs ?? 15_000,
      wakeUps: wakeUps.settings,
      logLevel: given.logLevel ?? (own?.active && logFormat === 'pretty' ? 'warn' : 'info'),
      logFormat,
      logPayloads: given.logPayloads ?? false,
      environment,
      warnings: [
        ...envFile.warnings,
        ...misspelt(environment, settings),
        ...wakeUps.warnings,
        ...payloadWarning(given.logPayloads),
      ],
    },
  }
}

/** Each fault has hidden its own secrets: `redact` over the whole would take the names of variables for them. */
function faultsText(faults: readonly string[], name: string): string {
  const count = faults.length === 1 ? 'one setting is' : `${faults.length} settings are`
  return `${name}: ${count} not usable; nothing was started\n${faults.map((fault) => `  - ${fault}\n`).join('')}Try --help\n`
}

const variableOrigin = (name: string, env: ConfigInput['env'], envFile: EnvFile): string =>
  !env[name] && envFile.values[name] !== undefined ? `${name} (env file)` : name

export const shown = (text: string): string => JSON.stringify(redact(text).slice(0, 80))

const existing = (folder: string | undefined, cwd: string): string | undefined =>
  folder !== undefined && statSync(resolve(cwd, folder), { throwIfNoEntry: false }) ? folder : undefined

/** A misspelt variable would be ignored without a word; others that begin with AIMQ_ belong to somebody else. */
function misspelt(environment: Environment, settings: Settings): string[] {
  const known = Object.values(settings).map(({ variable }) => variable)
  return Object.keys(environment).flatMap((name) => {
    if (!name.startsWith('AIMQ_') || known.includes(name)) return []
    const hint = didYouMean(name, known)
    return hint.includes('did you mean') ? [`${name} is not a setting of this worker${hint}`] : []
  })
}

const payloadWarning = (on: boolean | undefined): string[] =>
  on ? ['payloads are logged: whatever personal data and secrets the jobs carry ends up in the logs'] : []
