import { redact, summarizeError } from '@aimq/events'
import { CliError } from './cli-error.ts'
import { type ExitCode, exitCode } from './exit-code.ts'

export interface Failure {
  readonly text: string
  readonly code: ExitCode
}

/** Trying again later may help: nobody is there, or not yet. */
export const unavailable: ReadonlySet<string> = new Set([
  'queue/unreachable',
  'queue/unavailable',
  'queue/connection-lost',
  'queue/outcome-unknown',
  'queue/timeout',
  'queue/contended',
  'queue/read-only',
  'triggers/unreachable',
  'triggers/busy',
  'realtime/no-path',
  'embedded/start-failed',
])

const data = /^queue\/invalid-(payload|headers)$/
const usage =
  /\/invalid-(options|queue-name|input)$|^events\/invalid-connection$|^worker\/|^triggers\/invalid/
const configuration = /^(queue|embedded|triggers|realtime|events)\//

/** What to say, in one message without a stack or a secret, and what to exit with. */
export function describeFailure(thrown: unknown, program: string): Failure {
  if (thrown instanceof CliError) return { text: redact(thrown.message), code: thrown.exitCode }
  const { code, message } = summarizeError(thrown)
  const text = redact(inOurWords(message, program))
  if (code === 'EPIPE') return { text: 'stdout was closed by its reader', code: exitCode.failed }
  if (data.test(code)) return { text, code: exitCode.data }
  if (usage.test(code)) return { text, code: exitCode.usage }
  if (unavailable.has(code)) return { text, code: exitCode.unavailable }
  if (configuration.test(code)) return { text, code: exitCode.configuration }
  return { text: `an error that nobody foresaw: ${text}`, code: exitCode.failed }
}

/** The packages speak to programmers; here they are spoken to in a shell. */
function inOurWords(message: string, program: string): string {
  return message
    .replace(/create it: await client\.create\('([^']*)'\)/, `create it: ${program} create $1`)
    .replace('install it once with await client.install()', () => `install it once: ${program} install-keys`)
    .replaceAll(/\bdataDir\b/g, '--data-dir')
}
