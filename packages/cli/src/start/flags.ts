import { didYouMean, redact } from '@aimq/events'
import { Command, CommanderError, Option } from 'commander'
import type { Extension, WorkerProgram } from './program.ts'
import { allSettings, flagOf, isSwitch, type Settings } from './settings.ts'

export interface Flags {
  readonly help: boolean
  /** What was given, as text; a switch as `true` or `false`. */
  readonly given: Readonly<Record<string, string | undefined>>
  readonly faults: readonly string[]
}

/** Reads the command line to its end, whatever is wrong with it: all faults are told together. */
export function readFlags(argv: readonly string[], program: Described): Flags {
  const settings = allSettings(program.extension?.settings)
  // pnpm hands the `--` of `pnpm start -- --drain` on.
  const args = argv[0] === '--' ? argv.slice(1) : [...argv]
  if (args.includes('--help') || args.includes('-h')) return { help: true, given: {}, faults: [] }
  const faults: string[] = []
  const command = defineCommand(program, settings)
  let rest = { operands: [] as string[], unknown: [] as string[] }
  try {
    rest = command.parseOptions(args)
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    // The one thing commander throws here: the last flag lacks its value. The others were read before it.
    faults.push(`${args.at(-1)}: expected a value after it`)
    rest = defineCommand(program, settings).parseOptions(args.slice(0, -1))
  }
  const unknownFlags = rest.unknown.filter((word) => word.startsWith('-'))
  faults.push(...unknownFlags.map((word) => describeUnknown(word, settings)))
  faults.push(...rest.operands.map((word) => `${JSON.stringify(redact(word))}: expected flags only`))
  const values = command.opts<Record<string, unknown>>()
  const given = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
  return { help: false, given, faults }
}

type Described = Pick<WorkerProgram, 'name' | 'description' | 'examples'> & {
  readonly extension?: Pick<Extension<object>, 'settings' | 'secrets'>
}

export function helpText(program: Described): string {
  const { name, examples, extension } = program
  const secrets = ['DATABASE_URL', ...(extension?.secrets ?? [])].join(', ')
  return `${defineCommand(program, allSettings(extension?.settings)).helpInformation()}
Every flag has a twin in the environment, named in brackets; a switch is turned off by --no-<name>.
Flags win over the environment, the environment wins over .env. An empty variable counts as not set. Secrets come from the environment only:
${secrets}.

Examples:
${examples.map((line) => `  ${line}`).join('\n')}

Exit codes of ${name}: 0 done or stopped on request, 1 an unhandled error, 2 wrong flags, settings or handlers,
69 database not reachable, 78 database not set up, 130/143 interrupted (told to stop twice, or while draining).
`
}

function defineCommand({ name, description }: Described, settings: Settings): Command {
  const command = new Command(name)
    .description(description)
    .allowUnknownOption()
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .configureHelp({ helpWidth: 110 })
  for (const setting of Object.values(settings)) {
    const { flag, variable, help } = setting
    // Said in the help only: commander would read the variable itself, and stop at the first fault.
    command.addOption(new Option(flag, `${help} [${variable}]`))
    if (isSwitch(setting)) command.addOption(new Option(`--no-${flag.slice(2)}`).hideHelp())
  }
  return command
}

/** Without the value: somebody who types `--password=…` should not read it again in a log. */
function describeUnknown(word: string, settings: Settings): string {
  const name = word.split('=')[0] ?? word
  if (/url|dsn|conn|pass|secret|token/i.test(name) && name !== '--database-url-env') {
    return `${name}: unknown flag; secrets are never arguments, every process can see those: set DATABASE_URL in the environment or in .env, or name another variable with --database-url-env`
  }
  if (name === '--env-file') return `${name}: unknown flag, which Node takes for itself; use --env <path>`
  const known = Object.values(settings).flatMap((setting) => {
    const flag = flagOf(setting)
    return isSwitch(setting) ? [flag, flag.replace('--', '--no-')] : [flag]
  })
  return `${name}: unknown flag${didYouMean(name, known)}`
}
