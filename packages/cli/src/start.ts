/**
 * The worker as a process: settings from flags, environment and `.env`, handlers from a folder, every step on one bus,
 * signals, logs, exit codes. What `aimq start` runs, for a program of your own around it:
 *
 * ```ts
 * import { runWorker } from '@aimq/cli/start'
 *
 * const description = 'Works our jobs.'
 * await runWorker({ name: 'jobs', description, examples: ['jobs --drain'], defaultHandlers: 'handlers' }, process.argv.slice(2))
 * ```
 *
 * @module
 */
export type { App } from './start/compose.ts'
export { type Config, type ConfigInput, type ConfigResult, readConfig, shown } from './start/config.ts'
export type { Database } from './start/database.ts'
export { type ExitCode, exitCode } from './start/exit-code.ts'
export { helpText } from './start/flags.ts'
export {
  type HandlerDefinition,
  type HandlerRecord,
  type LoadOptions,
  loadHandlers,
} from './start/load-handlers.ts'
export type { Output } from './start/output.ts'
export type {
  Extension,
  OwnContext,
  OwnInput,
  OwnSettings,
  OwnWork,
  WorkerProgram,
} from './start/program.ts'
export { createReport, duration, ms, queueLine, type Report } from './start/report.ts'
export { runWorker } from './start/run-worker.ts'
export {
  allSettings,
  flagOf,
  isSwitch,
  path,
  type Setting,
  type Settings,
  type SettingValues,
  whole,
  workerSettings,
  yesOrNo,
} from './start/settings.ts'
export { type StopCause, type StopWatch, watchForStop } from './start/signals.ts'
export { describeWakeUps, firstWakeUpStatus } from './start/wake-ups.ts'
export type { EndedJob, Note } from './start/watch-jobs.ts'
