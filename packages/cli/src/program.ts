import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { type AnyCommand, type CommandSpec, type OptionSpec, ValueError } from './command.ts'
import { exitCode } from './exit-code.ts'
import { ownManifest } from './own-manifest.ts'

export interface CommandGroup {
  readonly title: string
  readonly commands: readonly AnyCommand[]
}

type Execute = (spec: AnyCommand, options: object, operands: readonly unknown[]) => Promise<void>

const databaseOptions: readonly OptionSpec[] = [
  {
    flags: '--env <path>',
    help: 'file with more variables; those already set win (default: .env if there is one)',
  },
  {
    flags: '--database-url-env <name>',
    help: 'the variable that holds the connection string (default: DATABASE_URL)',
  },
  { flags: '--data-dir <path>', help: 'folder of the embedded database (default: .aimq)' },
]

const parents: Readonly<Record<string, string>> = {
  dlq: 'dead letters: look, send back, delete',
  realtime: 'wake-ups: state, watch them come, send one',
  triggers: 'the triggers by which the database tells of new jobs',
}

/** The whole command line, from the descriptions of its commands. Nothing of what they do is loaded. */
export function buildProgram(groups: readonly CommandGroup[], program: string, execute: Execute): Command {
  const root = new Command('aimq')
    .description('pgmq queues on PostgreSQL, from a shell.')
    .version(ownManifest().version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ writeErr: () => {} })
    .configureHelp({ helpWidth: Math.min(process.stdout.columns || 110, 110), sortSubcommands: false })
    .enablePositionalOptions()
    .addHelpText('after', () => `\n${rootNotes(program)}`)
  for (const { title, commands } of groups) {
    root.commandsGroup(`${title}:`)
    for (const spec of commands) addCommand(root, spec, program, execute)
  }
  return root
}

function addCommand(root: Command, spec: AnyCommand, program: string, execute: Execute): void {
  const [parentName, childName] = spec.name.split(' ') as [string, string?]
  const parent = childName === undefined ? root : parentOf(root, parentName)
  const command = parent.command(childName ?? parentName)
  if (spec.choices !== undefined)
    command.addArgument(new Argument(spec.operands ?? '').choices([...spec.choices]))
  else if (spec.operands !== undefined) command.arguments(spec.operands)
  command
    .summary(spec.summary)
    .description(sentence(spec.summary) + (spec.details ? `\n\n${spec.details}` : ''))
  if ('takesOver' in spec) {
    command.allowUnknownOption().passThroughOptions().helpOption(false).allowExcessArguments()
    command.action(() => execute(spec, {}, command.args))
    return
  }
  for (const option of optionsOf(spec)) command.addOption(option)
  command.addHelpText('after', () => examplesText(spec, program))
  command.action(async (...received: unknown[]) => {
    await execute(spec, command.opts(), received.slice(0, -2))
  })
}

function optionsOf({ options = [], database, json }: CommandSpec): Option[] {
  return [
    ...options.map(toOption),
    // Node reads the second name too, and ends without our words when there is no such file.
    ...(database ? [...databaseOptions.map(toOption), new Option('--env-file <path>').hideHelp()] : []),
    ...(json ? [new Option('--json', 'print JSON and nothing else on stdout')] : []),
  ]
}

function parentOf(root: Command, name: string): Command {
  const known = root.commands.find((command) => command.name() === name)
  if (known !== undefined) return known
  return root
    .command(name)
    .summary(parents[name] ?? '')
    .description(sentence(parents[name] ?? ''))
}

function toOption({ flags, help, parse, choices }: OptionSpec): Option {
  const option = new Option(flags, help)
  if (choices !== undefined) option.choices([...choices])
  if (parse !== undefined) {
    option.argParser((text: string, previous: unknown) => {
      try {
        return parse(text, previous as never)
      } catch (thrown) {
        if (thrown instanceof ValueError) throw new InvalidArgumentError(thrown.message)
        throw thrown
      }
    })
  }
  return option
}

const sentence = (summary: string): string => `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`

function examplesText({ examples }: CommandSpec, program: string): string {
  const width = Math.max(...examples.map(([line]) => line.length))
  const lines = examples.map(([line, meaning]) => `  ${program} ${line.padEnd(width)}  # ${meaning}`)
  return `\nExamples:\n${lines.join('\n')}`
}

function rootNotes(program: string): string {
  return [
    'The database is DATABASE_URL (environment, or .env), else the embedded one of this folder (.aimq).',
    'Secrets come from the environment or an env file, never from arguments.',
    '',
    'Examples:',
    `  ${program} dev                                    # a PostgreSQL with pgmq and Realtime, in the foreground`,
    `  ${program} create emails                          # a queue, its dead-letter queue, and its trigger`,
    `  ${program} start handlers                         # handlers/emails.ts works the queue "emails"`,
    `  ${program} send emails '{"to":"ada@example.com"}'`,
    `  ${program} doctor                                 # everything that can be wrong, and what to do about it`,
    '',
    `Exit codes: ${exitCodesLine()}`,
  ].join('\n')
}

function exitCodesLine(): string {
  const { ok, failed, usage, findings, data, input, unavailable, configuration } = exitCode
  return (
    `${ok} done, ${failed} an unforeseen error, ${usage} wrong usage, ${findings} something was found or left out,\n` +
    `${data} no valid JSON, ${input} a file cannot be read, ${unavailable} database not reachable, ${configuration} database not set up or a package missing,\n` +
    `${exitCode.interrupted}/${exitCode.terminated} interrupted.`
  )
}
