import { redact } from '@aimq/events'
import { TriggersError, type TriggersErrorCode, triggersErrorCodes } from './errors.ts'

/** Whatever the driver threw, as one of our errors that says what to do. */
export function translateError(thrown: unknown, target: string, phase: 'connect' | 'query'): TriggersError {
  if (thrown instanceof TriggersError) return thrown
  const message = messageOf(thrown)
  const state = sqlStateOf(thrown)
  const [code, sentence] = diagnose(state, message, target, phase)
  // Only what is harmless: the driver attaches its client, and with it the password.
  const cause = Object.assign(new Error(message), state === undefined ? {} : { code: state })
  return new TriggersError(code, sentence, { cause })
}

function diagnose(
  state: string | undefined,
  message: string,
  target: string,
  phase: 'connect' | 'query',
): readonly [TriggersErrorCode, string] {
  const codes = triggersErrorCodes
  if (state === '42501') {
    return [
      codes.permissionDenied,
      `the database says "${message}"; triggers are installed by a role that owns the queues, or may create triggers on them, and may create in the database (Supabase: postgres)`,
    ]
  }
  if (state === '25006') {
    return [codes.unreachable, `${target} takes no writes ("${message}"); connect to the primary`]
  }
  if (state === undefined || phase === 'connect' || /^(08|53|57P)/.test(state)) {
    const sentence =
      phase === 'connect'
        ? `nobody usable answers at ${target} ("${message}"); check the connection string, and that the database is running`
        : `the connection to ${target} broke before the answer came ("${message}"); nothing was changed, or all of it was: list() tells`
    return [codes.unreachable, sentence]
  }
  return [codes.databaseFailed, `the database says "${message}" (SQLSTATE ${state})`]
}

/** The SQLSTATE of an error, or of what it wraps. */
export function sqlStateOf(thrown: unknown): string | undefined {
  const { code, cause } = (thrown ?? {}) as { code?: unknown; cause?: unknown }
  // EPIPE has five letters, too.
  if (typeof code === 'string' && /^(\d[0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/.test(code)) return code
  return cause === undefined || cause === null ? undefined : sqlStateOf(cause)
}

function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(messageOf).join(', ')
  const { message, code } = (thrown ?? {}) as { message?: unknown; code?: unknown }
  const text = typeof message === 'string' && message !== '' ? message : String(code ?? thrown)
  return redact(text).slice(0, 1000)
}
