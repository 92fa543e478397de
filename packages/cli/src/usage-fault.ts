import { CommanderError } from 'commander'
import { type ExitCode, exitCode } from './exit-code.ts'

export interface UsageFault {
  /** Empty: help or the version was asked for, and has been written. */
  readonly text: string
  readonly code: ExitCode
}

const secretsRemedy =
  'secrets are never arguments, every process of the machine can read those: set DATABASE_URL in the environment or in an env file (--env <path>), or name another variable with --database-url-env'

/** A connection string with a password among the arguments is refused before anything else: it is in `ps` already. */
export function credentialFault(args: readonly string[], program: string): string | undefined {
  const index = args.findIndex((arg) => /^(--?[\w-]+=)?postgres(ql)?:\/\//i.test(arg))
  return index === -1
    ? undefined
    : `argument ${index + 1} is a connection string; ${secretsRemedy}\nTry: ${program} --help`
}

/** What commander throws, in our words and without the values of flags: one of them may be a password. */
export function usageFault(
  thrown: unknown,
  args: readonly string[],
  program: string,
): UsageFault | undefined {
  if (!(thrown instanceof CommanderError)) return undefined
  if (thrown.exitCode === 0) return { text: '', code: exitCode.ok }
  // A group by itself, whose help nobody asked for.
  if (thrown.code === 'commander.help') {
    const text = `expected a command after "${args[0]}"\nTry: ${program} ${args[0]} --help`
    return { text, code: exitCode.usage }
  }
  const [sentence = '', ...rest] = thrown.message.replace(/^error: /, '').split('\n')
  const suggestion = rest.join(' ').replace(/^\(Did you mean (.*?)\??\)$/, '; did you mean "$1"?')
  const option = /^unknown option '(-[^'=]*)/.exec(sentence)?.[1]
  const said = option === undefined ? sentence : `unknown option ${option}`
  const secret = option !== undefined && /url|dsn|conn|pass|secret|token|key$/i.test(option)
  const what = secret ? `; ${secretsRemedy}` : suggestion
  const quotes =
    thrown.code === 'commander.excessArguments' ? '; put what has blanks in it between quotes' : ''
  // What is unknown has no help.
  const named = thrown.code === 'commander.unknownCommand' ? args.slice(0, 1).filter(isGroup) : args
  return { text: `${said}${what}${quotes}\nTry: ${program} ${helpFor(named)}--help`, code: exitCode.usage }
}

/** The words before the first flag name the command. */
function helpFor(args: readonly string[]): string {
  const words = args.slice(0, 2).filter((arg) => /^[a-z-]+$/.test(arg) && !arg.startsWith('-'))
  return isGroup(words[0] ?? '') ? `${words.join(' ')} ` : words[0] === undefined ? '' : `${words[0]} `
}

const isGroup = (word: string): boolean => ['dlq', 'realtime', 'triggers'].includes(word)
