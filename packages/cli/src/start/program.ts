import type { Bus, Logger } from '@aimq/events'
import type { App } from './compose.ts'
import type { Config, Environment } from './config.ts'
import type { Database } from './database.ts'
import type { HandlerRecord } from './load-handlers.ts'
import type { Output } from './output.ts'
import type { Report } from './report.ts'
import type { Settings, SettingValues } from './settings.ts'
import type { EndedJob, Note } from './watch-jobs.ts'

/**
 * A program around the worker: what it is called, and what it adds. The worker itself (settings, database, steps,
 * handlers, signals, logs, exit codes) is the same in all of them.
 */
export interface WorkerProgram<Own extends object = object> {
  /** In front of every message. */
  readonly name: string
  readonly description: string
  /** Lines of the help. */
  readonly examples: readonly string[]
  /** A URL or path from which the steps can be resolved, besides the working directory and our own dependencies. */
  readonly stepsFrom?: string
  /** A folder that is worked when it is there and no other was given. */
  readonly defaultHandlers?: string
  /** Settings, handlers and a screen of its own. */
  readonly extension?: Extension<Own>
}

export interface Extension<Own extends object> {
  readonly settings: Settings
  /** Variables with secrets, for the help. */
  readonly secrets: readonly string[]
  /** What else one can do when no handlers are given: `; or --samples`. */
  readonly instead: string
  readonly read: (input: OwnInput) => OwnSettings<Own>
  /** Once the settings are known, and before anything is started. */
  readonly begin: (config: Config & Own, context: OwnContext) => OwnWork
}

export interface OwnInput {
  readonly given: SettingValues
  /** What was set of the extension's own settings, by name. */
  readonly own: Readonly<Record<string, unknown>>
  readonly environment: Environment
  readonly databaseUrl: string | undefined
  readonly cwd: string
  /** What the person wrote to set it, for messages: the flag or the variable. */
  readonly originOf: (name: string) => string
}

export interface OwnSettings<Own extends object> {
  readonly own: Own
  /** It brings handlers, so that none need be given; and shows what happens instead of logging it. */
  readonly active: boolean
  readonly faults: readonly string[]
}

export interface OwnContext {
  readonly bus: Bus
  readonly log: Logger
  readonly output: Output
  readonly note: Note
}

export interface OwnWork {
  readonly handlers: HandlerRecord
  /** Where jobs are shown; undefined: they are logged. */
  readonly report?: Report | undefined
  /** It sends jobs as well, which takes one grant more. */
  readonly sends: boolean
  onJob(job: EndedJob): void
  /** Before a job runs. */
  onDatabase(database: Database): Promise<void>
  /** Once the worker works. */
  run(app: App, signal: AbortSignal): Promise<void>
  /** After the last job. */
  close(): void
}

/** What a program without an extension adds. */
export const nothingOfItsOwn: OwnWork = {
  handlers: {},
  sends: false,
  onJob: () => {},
  onDatabase: async () => {},
  run: async () => {},
  close: () => {},
}
