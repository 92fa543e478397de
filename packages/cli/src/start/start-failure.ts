import { redact, summarizeError } from '@aimq/events'
import { CliError } from '../cli-error.ts'
import { unavailable } from '../failure.ts'
import { type ExitCode, exitCode } from './exit-code.ts'

/** A fault that the app itself finds while starting. */
export class StartError extends Error {
  readonly code: 'app/queues-missing' | 'app/rights-missing' | 'app/handlers'

  constructor(code: StartError['code'], message: string) {
    super(message)
    this.name = 'StartError'
    this.code = code
  }
}

/** The database or the machine is there and has to be set up first. */
const configuration = /^(queue|embedded)\/|^app\/(queues|rights)-missing$/

/** Options that were passed on as they came, and the handlers. */
const usage = /\/invalid-options$|^events\/invalid-connection$|^worker\/|^app\/handlers$/

/**
 * What to exit with and to say, on one screen and without a stack; undefined: this is a bug, show the stack.
 * `databaseUrl` fills in who was refused what, so that statements can be run as they stand.
 */
export function describeStartFailure(
  thrown: unknown,
  databaseUrl: string | undefined,
  name: string,
): { text: string; code: ExitCode } | undefined {
  // A package is not installed.
  if (thrown instanceof CliError) {
    return { text: `${name}: ${redact(thrown.message)}\n`, code: exitCode.configuration }
  }
  const { code, message } = summarizeError(thrown)
  // The option of the package is a flag here.
  const named = code.startsWith('embedded/') ? message.replaceAll(/\bdataDir\b/g, '--data-dir') : message
  const text = `${name}: ${redact(filledIn(named, databaseUrl))}\n`
  if (usage.test(code)) return { text, code: exitCode.usage }
  if (unavailable.has(code)) return { text, code: exitCode.unavailable }
  if (configuration.test(code)) return { text, code: exitCode.configuration }
  return undefined
}

function filledIn(message: string, databaseUrl: string | undefined): string {
  const { username = '', pathname = '' } = URL.parse(databaseUrl ?? '') ?? {}
  const name = (text: string) => `"${decodeURIComponent(text).replaceAll('"', '""')}"`
  return message
    .replaceAll('<role>', () => (username === '' ? '<role>' : name(username)))
    .replaceAll('<database>', () => (pathname.length < 2 ? '<database>' : name(pathname.slice(1))))
}
