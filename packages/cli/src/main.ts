import { resolve } from 'node:path'
import type { Command } from 'commander'
import { CliError } from './cli-error.ts'
import type { AnyCommand, CommandSpec } from './command.ts'
import { commands } from './commands.ts'
import type { Context } from './context.ts'
import { readEnvFile } from './env-file.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import { watchInterrupts } from './interrupts.ts'
import { openOutput } from './output.ts'
import { buildProgram } from './program.ts'
import { programName } from './program-name.ts'
import { credentialFault, usageFault } from './usage-fault.ts'

/** Options that every command which has them takes alike. */
interface CommonOptions {
  readonly env?: string
  readonly envFile?: string
  readonly json?: boolean
  readonly databaseUrlEnv?: string
  readonly dataDir?: string
}

/** Runs one command line, and ends the process. */
export async function main(argv: readonly string[]): Promise<void> {
  // pnpm hands the `--` of `pnpm aimq -- list` on.
  const args = argv[0] === '--' ? argv.slice(1) : [...argv]
  let closed: unknown
  process.stdout.on('error', (error) => {
    closed ??= error
  })
  const code = await runCommandLine(args)
  // What is written is out before the process ends, also where pipes are asynchronous.
  await new Promise((resolve) => process.stdout.write('', resolve))
  const unread = closed !== undefined && code === exitCode.ok
  process.exit(unread ? complain('stdout was closed by its reader', exitCode.failed) : code)
}

async function runCommandLine(args: readonly string[]): Promise<ExitCode> {
  if (args[0] === 'complete' && args[1] === '--') {
    const { complete } = await import('./completion.ts')
    complete(args.slice(2))
    return exitCode.ok
  }
  const program = programName(process.env)
  const fault = credentialFault(args, program)
  if (fault !== undefined) return complain(fault, exitCode.usage)
  let code: ExitCode = exitCode.ok
  const execute = async (spec: AnyCommand, options: object, operands: readonly unknown[]) => {
    if ('takesOver' in spec) return (await spec.load()).run(operands as string[], program)
    code = await runCommand(spec, options as CommonOptions, operands, program)
  }
  const root: Command = buildProgram(commands, program, execute)
  if (args.length === 0) {
    root.outputHelp()
    return exitCode.ok
  }
  try {
    await root.parseAsync([...args], { from: 'user' })
    return code
  } catch (thrown) {
    const fault = usageFault(thrown, args, program)
    if (fault === undefined) throw thrown
    return fault.text === '' ? exitCode.ok : complain(fault.text, fault.code)
  }
}

async function runCommand(
  spec: CommandSpec,
  options: CommonOptions,
  operands: readonly unknown[],
  program: string,
): Promise<ExitCode> {
  const interrupts = watchInterrupts()
  const output = openOutput({
    json: options.json === true,
    env: process.env,
    onClosed: (error) => interrupts.abort(error),
  })
  try {
    const { run } = await spec.load()
    const context = createContext(options, program, { output, interrupts })
    const { checkQueueNames } = await import('./queue-operands.ts')
    checkQueueNames(spec, operands)
    const code = await run(context, options as never, ...(operands as never[]))
    return interrupts.closed === undefined ? (code ?? exitCode.ok) : fail(interrupts.closed)
  } catch (thrown) {
    if (interrupts.closed !== undefined) return fail(interrupts.closed)
    if (interrupts.signal.aborted && !(thrown instanceof CliError)) {
      const by = interrupts.by()
      complain('interrupted', exitCode.interrupted)
      return by === 'SIGINT' ? exitCode.interrupted : exitCode.terminated
    }
    return fail(thrown)
  }

  async function fail(thrown: unknown): Promise<ExitCode> {
    const { describeFailure } = await import('./failure.ts')
    const failure = describeFailure(thrown, program)
    return complain(failure.text, failure.code)
  }
}

function createContext(
  options: CommonOptions,
  program: string,
  { output, interrupts }: Pick<Context, 'output'> & { interrupts: ReturnType<typeof watchInterrupts> },
): Context {
  const cwd = process.cwd()
  const asked = options.env ?? options.envFile ?? (process.env.AIMQ_ENV_FILE || undefined)
  const envFile = readEnvFile(asked ?? '.env', cwd, asked !== undefined)
  if (envFile.faults.length > 0) throw new CliError(envFile.faults.join('\n      '))
  for (const warning of envFile.warnings) output.note(output.noteStyle('yellow', warning))
  // An empty variable counts as not set: that is what `NAME= aimq` and compose files mean by it.
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value))
  const env = { ...envFile.values, ...given }
  return {
    cwd,
    env,
    originOf: (name) =>
      given[name] === undefined && envFile.values[name] !== undefined ? `${name} (${asked ?? '.env'})` : name,
    output,
    signal: interrupts.signal,
    interruptedBy: interrupts.by,
    program,
    database: {
      variable: options.databaseUrlEnv ?? env.AIMQ_DATABASE_URL_ENV ?? 'DATABASE_URL',
      variableAsked: (options.databaseUrlEnv ?? env.AIMQ_DATABASE_URL_ENV) !== undefined,
      dataDir: resolve(cwd, options.dataDir ?? env.AIMQ_DATA_DIR ?? '.aimq'),
    },
  }
}

function complain(text: string, code: ExitCode): ExitCode {
  process.stderr.write(`aimq: ${text}\n`)
  return code
}
