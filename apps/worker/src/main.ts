import { type Config, readConfig } from './config.ts'
import { exit, watchForForeignExit } from './exit.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import { loadHandlers } from './load-handlers.ts'
import { createLog } from './log.ts'
import { openOutput } from './output.ts'
import { sayFailure } from './say-failure.ts'
import { runSession } from './session.ts'
import { watchForStop } from './signals.ts'
import { describeStartFailure } from './start-failure.ts'

const stop = watchForStop(sayFailure)
const output = openOutput(process.stdout, stop.fail)
// Nobody is left to tell when stderr is closed.
process.stderr.on('error', () => {})

watchForForeignExit()

exit(await main())

async function main(): Promise<ExitCode> {
  const parsed = readConfig({
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    isTerminal: output.isTerminal,
  })
  if (parsed.kind === 'help') output.write(parsed.text)
  if (parsed.kind === 'faults') {
    process.stderr.write(parsed.text)
    await sayHandlerFaults(parsed)
  }
  if (parsed.kind !== 'config') return parsed.kind === 'help' ? exitCode.ok : exitCode.usage
  try {
    const drained = await work(parsed.config)
    return drained ? exitCode.ok : stoppedCode(parsed.config)
  } catch (thrown) {
    const failure = describeStartFailure(thrown, parsed.config.databaseUrl)
    if (failure === undefined) sayFailure(thrown)
    else process.stderr.write(failure.text)
    return failure?.code ?? exitCode.failed
  }
}

async function work(config: Config): Promise<boolean> {
  passOn(config.environment)
  const log = createLog({ level: config.logLevel, format: config.logFormat, output })
  for (const warning of config.warnings) log.warn({}, warning)
  watchdog(config)
  const { requested: signal } = stop
  const handlers = await loadHandlers(config.handlers, process.cwd(), { signal }).catch((thrown) => {
    if (signal.aborted) return undefined
    throw thrown
  })
  if (handlers === undefined) return false
  return runSession(config, handlers, { output, log, stop })
}

/** Whoever mends the settings should not meet the next faults only then. */
async function sayHandlerFaults({ handlers, environment }: Pick<Config, 'handlers' | 'environment'>) {
  passOn(environment)
  const { requested: signal } = stop
  await loadHandlers(handlers, process.cwd(), { signal }).catch((thrown) => {
    const failure = describeStartFailure(thrown, undefined)
    if (!signal.aborted && failure !== undefined) process.stderr.write(failure.text)
  })
}

/** What .env says is there for handlers, too. */
function passOn(environment: Config['environment']): void {
  for (const [name, value] of Object.entries(environment)) process.env[name] ||= value ?? ''
}

/** Whoever waits for a drained queue must not take an interrupted wait for one. */
function stoppedCode(config: Config): ExitCode {
  const { cause, exitCode: code = exitCode.ok } = stop
  if (code !== exitCode.ok || !config.drain || cause?.kind !== 'signal') return code
  return cause.name === 'SIGINT' ? exitCode.interrupted : exitCode.terminated
}

/** Stopping is bounded, whatever hangs: the grace period, and time for the database to take jobs back and to stop. */
function watchdog(config: Config): void {
  stop.requested.addEventListener('abort', () => {
    const timer = setTimeout(() => {
      process.stderr.write('worker: something does not stop; exiting without it\n')
      exit(exitCode.failed)
    }, config.gracePeriodMs + 45_000)
    timer.unref()
  })
}
