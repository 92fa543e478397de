import { didYouMean, redact } from '@aimq/events'
import { Command, CommanderError, Option } from 'commander'
import { flagName, isSwitch, type SettingName, settingNames, settings } from './settings.ts'

export interface Flags {
  readonly help: boolean
  /** What was given, as text; a switch as `true` or `false`. */
  readonly given: Partial<Record<SettingName, string>>
  readonly faults: readonly string[]
}

/** Reads the command line to its end, whatever is wrong with it: all faults are told together. */
export function readFlags(argv: readonly string[]): Flags {
  // pnpm hands the `--` of `pnpm start -- --drain` on.
  const args = argv[0] === '--' ? argv.slice(1) : [...argv]
  if (args.includes('--help') || args.includes('-h')) return { help: true, given: {}, faults: [] }
  const faults: string[] = []
  const command = defineCommand()
  let rest = { operands: [] as string[], unknown: [] as string[] }
  try {
    rest = command.parseOptions(args)
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    // The one thing commander throws here: the last flag lacks its value. The others were read before it.
    faults.push(`${args.at(-1)}: expected a value after it`)
    rest = defineCommand().parseOptions(args.slice(0, -1))
  }
  const unknownFlags = rest.unknown.filter((word) => word.startsWith('-'))
  faults.push(...unknownFlags.map(describeUnknown))
  faults.push(...rest.operands.map((word) => `${JSON.stringify(redact(word))}: expected flags only`))
  const values = command.opts<Partial<Record<SettingName, unknown>>>()
  const given = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
  return { help: false, given, faults }
}

export function helpText(): string {
  return `${defineCommand().helpInformation()}${examples}`
}

function defineCommand(): Command {
  const command = new Command('worker')
    .description(
      'Works the jobs of pgmq queues. With nothing set: starts a PostgreSQL of its own and works sample jobs.',
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .configureHelp({ helpWidth: 110 })
  for (const name of settingNames) {
    const { flag, variable, help } = settings[name]
    // Said in the help only: commander would read the variable itself, and stop at the first fault.
    command.addOption(new Option(flag, `${help} [${variable}]`))
    if (isSwitch(name)) command.addOption(new Option(`--no-${flag.slice(2)}`).hideHelp())
  }
  return command
}

/** Without the value: somebody who types `--password=…` should not read it again in a log. */
function describeUnknown(word: string): string {
  const name = word.split('=')[0] ?? word
  if (/url|dsn|conn|pass|secret|token/i.test(name) && name !== '--database-url-env') {
    return `${name}: unknown flag; secrets are never arguments, every process can see those: set DATABASE_URL in the environment or in .env, or name another variable with --database-url-env`
  }
  if (name === '--env-file') return `${name}: unknown flag, which Node takes for itself; use --env <path>`
  const known = settingNames.flatMap((setting) => {
    const flag = flagName(setting)
    return isSwitch(setting) ? [flag, flag.replace('--', '--no-')] : [flag]
  })
  return `${name}: unknown flag${didYouMean(name, known)}`
}

const examples = `
Every flag has a twin in the environment, named in brackets; a switch is turned off by --no-<name>.
Flags win over the environment, the environment wins over .env. An empty variable counts as not set. Secrets come from the environment only:
DATABASE_URL, WEBHOOK_SECRET.

Examples:
  worker                                            start, with everything it needs, and see jobs run
  worker --drain                                    the same, and exit when all is done
  worker --handlers ./handlers                      handlers/emails.ts works the queue "emails"
  DATABASE_URL=postgres://… worker --handlers ./handlers --no-create-queues
  worker --env production.env --log-format json

Exit codes: 0 done or stopped on request, 1 an unhandled error, 2 wrong flags, settings or handlers,
69 database not reachable, 78 database not set up, 130/143 interrupted (told to stop twice, or while draining).
`
