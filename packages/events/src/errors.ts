import { redact } from './redact.ts'

/**
 * The base of every error AIMQ throws on purpose. Callers test {@link AimqError.code} (`<package>/<what>`),
 * not `instanceof`: two copies of a package in one process have two classes.
 */
export class AimqError<Code extends string = string> extends Error {
  readonly code: Code

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

export const eventsErrorCodes = {
  /** A request was made and no installed package answers it. */
  noHandler: 'events/no-handler',
  /** Two packages want to answer the same request on one bus. */
  alreadyHandled: 'events/already-handled',
  /** Two plugins of one name on one bus. */
  duplicatePlugin: 'events/duplicate-plugin',
  /** A queue name that AIMQ refuses before any SQL. */
  invalidQueueName: 'events/invalid-queue-name',
  /** A payload that its queue's schema refuses. */
  payloadRefused: 'events/payload-refused',
  /** A connection string whose TLS part cannot be understood. */
  invalidConnection: 'events/invalid-connection',
  /** A certificate that a connection string names cannot be read. */
  certificateUnreadable: 'events/certificate-unreadable',
  /** A service was stopped while it was starting. */
  startAborted: 'events/start-aborted',
  /** One or more services failed to stop. */
  stopFailed: 'events/stop-failed',
} as const

export type EventsErrorCode = (typeof eventsErrorCodes)[keyof typeof eventsErrorCodes]

export class EventsError extends AimqError<EventsErrorCode> {}

/** What a fact carries of an error: plain data, no stack, no secrets. */
export interface ErrorSummary {
  readonly code: string
  readonly message: string
}

/** The longest error text that is stored or sent on, in characters. */
export const maxErrorTextLength = 8192
const maxErrorCodeLength = 200
const longestSecret = 2048
// They take six bytes each in JSON and do no reader any good; PostgreSQL cannot store the first of them at all.
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it is for.
const controlCharacters = /[\0-\x08\x0b\x0c\x0e-\x1f]/g

/**
 * Whatever was thrown, as plain data. Survives `undefined`, strings, frozen, cyclic and hostile objects
 * (getters and proxies that throw), takes out secrets, and cuts what is too long.
 */
export function summarizeError(thrown: unknown): ErrorSummary {
  const text = (read: () => unknown): string | undefined => {
    try {
      const value = read()
      return typeof value === 'string' && value !== '' ? value : undefined
    } catch {
      return undefined
    }
  }
  // Cut twice: half a secret at the end of what is kept could not be told for one.
  const clean = (value: string, most = maxErrorTextLength): string =>
    redact(value.slice(0, most + longestSecret))
      .slice(0, most)
      .toWellFormed()
      .replaceAll(controlCharacters, '\ufffd')
  if (typeof thrown === 'object' && thrown !== null) {
    const source = thrown as { code?: unknown; name?: unknown; message?: unknown }
    const code = text(() => source.code) ?? text(() => source.name) ?? 'Error'
    const message =
      text(() => source.message) ?? text(() => JSON.stringify(thrown)) ?? text(() => String(thrown))
    return {
      code: clean(code, maxErrorCodeLength),
      message: clean(message ?? 'an object without a message was thrown'),
    }
  }
  return {
    code: 'Error',
    message: clean(text(() => String(thrown)) ?? 'a value without a message was thrown'),
  }
}
