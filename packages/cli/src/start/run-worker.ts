import { type Config, type ConfigResult, readConfig } from './config.ts'
import { exit, watchForForeignExit } from './exit.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import { loadHandlers } from './load-handlers.ts'
import { createLogs } from './log.ts'
import { openOutput } from './output.ts'
import type { WorkerProgram } from './program.ts'
import { sayFailure } from './say-failure.ts'
import { runSession } from './session.ts'
import { watchForStop } from './signals.ts'
import { describeStartFailure } from './start-failure.ts'

/** Runs a worker with these arguments for as long as the process lives, and ends it with an exit code of the table. */
export async function runWorker<Own extends object>(
  program: WorkerProgram<Own>,
  argv: readonly string[],
): Promise<never> {
  const { name, stepsFrom } = program
  const stop = watchForStop((thrown) => sayFailure(thrown, name))
  const output = openOutput(process.stdout, stop.fail)
  // Nobody is left to tell when stderr is closed.
  process.stderr.on('error', () => {})
  watchForForeignExit(name)
  exit(await main())

  async function main(): Promise<ExitCode> {
    const input = { argv, env: process.env, cwd: process.cwd(), isTerminal: output.isTerminal }
    const parsed = readConfig(input, program)
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
      const failure = describeStartFailure(thrown, parsed.config.databaseUrl, name)
      if (failure === undefined) sayFailure(thrown, name)
      else process.stderr.write(failure.text)
      return failure?.code ?? exitCode.failed
    }
  }

  async function work(config: Config & Own): Promise<boolean> {
    watchdog(config)
    passOn(config.environment)
    const { log, bulk } = await createLogs({ level: config.logLevel, format: config.logFormat, output })
    for (const warning of config.warnings) log.warn({}, warning)
    const { requested: signal } = stop
    const handlers = await loadHandlers(config.handlers, process.cwd(), { signal, stepsFrom }).catch(
      (thrown) => {
        if (signal.aborted) return undefined
        throw thrown
      },
    )
    if (handlers === undefined) return false
    return runSession(program, config, handlers, { output, log, bulk, stop })
  }

  /** Whoever mends the settings should not meet the next faults only then. */
  async function sayHandlerFaults({ handlers, environment }: Extract<ConfigResult<Own>, { kind: 'faults' }>) {
    passOn(environment)
    const { requested: signal } = stop
    await loadHandlers(handlers, process.cwd(), { signal, stepsFrom }).catch((thrown) => {
      const failure = describeStartFailure(thrown, undefined, name)
      if (!signal.aborted && failure !== undefined) process.stderr.write(failure.text)
    })
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
        process.stderr.write(`${name}: something does not stop; exiting without it\n`)
        exit(exitCode.failed)
      }, config.gracePeriodMs + 45_000)
      timer.unref()
    })
  }
}

/** What .env says is there for handlers, too. */
function passOn(environment: Config['environment']): void {
  for (const [name, value] of Object.entries(environment)) process.env[name] ||= value ?? ''
}
