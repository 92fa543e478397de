import { redact } from '@aimq/events'
import { QueueError, type QueueErrorCode, queueErrorCodes } from './errors.ts'
import { grantsFor, type Operation } from './grants.ts'

/** What was going on when something was thrown. */
export interface Attempt {
  readonly operation: Operation
  readonly queue?: string | undefined
  /** Other queues that the statement touches. */
  readonly tables?: Readonly<Record<string, string>>
  /** `connect`: the statement never left. */
  readonly phase: 'connect' | 'query'
  /** `host:port/database`, without a password. */
  readonly target: string
}

/** Whatever a driver or an ORM threw, as one of our errors that says what to do. */
export function translateError(thrown: unknown, attempt: Attempt): QueueError {
  if (thrown instanceof QueueError) return thrown
  const state = sqlStateOf(thrown)
  const [code, sentence] = diagnose(state, messageOf(thrown), attempt)
  const about = attempt.queue === undefined ? attempt.operation : `${attempt.operation} "${attempt.queue}"`
  return new QueueError(code, `${about}: ${sentence}`, {
    cause: withoutSecrets(thrown),
    queue: attempt.queue,
  })
}

type Diagnosis = readonly [QueueErrorCode, string]

function diagnose(state: string | undefined, message: string, attempt: Attempt): Diagnosis {
  if (state === undefined) return diagnoseConnection(message, attempt)
  const codes = queueErrorCodes
  const { queue, target } = attempt
  switch (state) {
    case '42P01':
    case '3F000':
      if (/\baimq\b/.test(message)) return [codes.idempotencyNotInstalled, idempotencyRemedy]
      if (/"pgmq"|pgmq\.meta/.test(message)) return [codes.pgmqMissing, pgmqRemedy(target)]
      return [
        codes.notFound,
        `expected a queue, got "${message}"; create it: await client.create('${queue ?? '…'}')`,
      ]
    case '42883':
      if (/function pgmq\./.test(message)) {
        return [
          codes.pgmqMissing,
          `expected pgmq 1.4.4 or later on ${target}, got "${message}"; ${pgmqRemedy(target)}`,
        ]
      }
      break
    case '42501':
      return [
        codes.permissionDenied,
        `the database says "${message}"; grant what this needs:\n${grantsFor(attempt.operation, attempt.queue, attempt.tables).join('\n')}`,
      ]
    case '25006':
      return [
        codes.readOnly,
        `${target} takes no writes ("${message}"); connect to the primary, or wait for the failover to end`,
      ]
    case '28P01':
    case '28000':
      return [
        codes.authenticationFailed,
        `${target} refused the login ("${message}"); check user and password of the connection string`,
      ]
    case '3D000':
      return [
        codes.databaseMissing,
        `${target} does not exist ("${message}"); check the database name at the end of the connection string`,
      ]
    case '40001':
    case '40P01':
    case '55P03':
      return [
        codes.contended,
        `other transactions are in the way ("${message}"); the call changed nothing and can be repeated`,
      ]
    case '57014':
      return [
        codes.timeout,
        `the database gave up on the statement ("${message}"); raise statement_timeout, or look for what blocks it`,
      ]
    case 'P0001':
      if (/pg_partman/.test(message)) return [codes.partmanMissing, partmanRemedy]
      if (/another checksum/.test(message)) {
        return [
          codes.migrationChanged,
          `${message}; another version of @aimq/queue installed it: use that version, or uninstall() with it and install() again`,
        ]
      }
      break
  }
  if (/^(53|57P|58|08)/.test(state)) {
    // Ended by the administrator, by a crash, or by a broken link: whether the statement was done is not known.
    const lost = attempt.phase === 'query' && /^(57P01|57P02|08)/.test(state)
    return [
      lost ? codes.connectionLost : codes.unavailable,
      `${target} cannot serve at the moment ("${message}"); this is worth repeating after a pause`,
    ]
  }
  return [codes.databaseFailed, `the database says "${message}" (SQLSTATE ${state})`]
}

function diagnoseConnection(message: string, attempt: Attempt): Diagnosis {
  const codes = queueErrorCodes
  const { target } = attempt
  if (/certificate|self.signed|altname|unable to verify/i.test(message)) {
    return [
      codes.tlsFailed,
      `the certificate of ${target} is not trusted ("${message}"); set sslrootcert to the provider's CA certificate (Supabase: dashboard, Database settings, SSL configuration), or give up on knowing who answers with sslmode=no-verify`,
    ]
  }
  if (/does not support SSL/i.test(message)) {
    if (/^(localhost|127\.[\d.]+|\[?::1\]?):/.test(target)) {
      return [
        codes.tlsFailed,
        `${target} offers no TLS, and sslmode asks for it; this machine needs none: take sslmode out or set sslmode=disable, or turn TLS on there`,
      ]
    }
    return [
      codes.tlsFailed,
      `${target} offers no TLS, and plaintext to another machine is never used by default; turn TLS on there, or accept plaintext with sslmode=disable`,
    ]
  }
  if (/after calling end|was closed|is closed/i.test(message)) {
    return [codes.closed, `the connection to ${target} was closed ("${message}"); make a new client`]
  }
  if (/password must be a string|no password/i.test(message)) {
    return [
      codes.authenticationFailed,
      `${target} asks for a password and the connection string has none; write it as user:password@host`,
    ]
  }
  if (attempt.phase === 'connect') {
    return [
      codes.unreachable,
      `nobody usable answers at ${target} ("${message}"); check host and port, and that the database is running`,
    ]
  }
  if (
    /ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|terminated|CONNECTION_|closed|socket|not queryable|connection error/i.test(
      message,
    )
  ) {
    return [codes.connectionLost, `the connection to ${target} broke before the answer came ("${message}")`]
  }
  return [codes.databaseFailed, `the driver says "${message}"`]
}

const idempotencyRemedy =
  'expected the table aimq.idempotency_key, and it is not there; install it once with await client.install()'

export const partmanRemedy: string =
  'partitioned queues need the extension pg_partman, and it is not there; run: create extension pg_partman'

export function pgmqRemedy(target: string): string {
  return `expected pgmq on ${target}, and it is not there; run: create extension pgmq (Supabase: dashboard, Integrations, Queues), or check that this is the right database`
}

/** The SQLSTATE in an error, also inside what an ORM wraps it in. */
export function sqlStateOf(thrown: unknown): string | undefined {
  for (const error of chainOf(thrown)) {
    const { code, meta } = error as {
      code?: unknown
      meta?: { code?: unknown; driverAdapterError?: unknown }
    }
    for (const candidate of [meta?.code, driverCode(meta?.driverAdapterError), code]) {
      // SQLSTATEs only: EPIPE has five letters too, and Prisma's own codes are P and four digits.
      if (typeof candidate === 'string' && /^(\d[0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/.test(candidate)) {
        return candidate
      }
    }
  }
  return undefined
}

function driverCode(error: unknown): unknown {
  return (error as { cause?: { originalCode?: unknown } } | undefined)?.cause?.originalCode
}

/** The innermost message: an ORM's own repeats the statement and its values, payloads included. */
function messageOf(thrown: unknown): string {
  const errors = chainOf(thrown)
  const innermost = errors.at(-1)
  if (innermost instanceof AggregateError) {
    return innermost.errors.map((error) => `${(error as Error)?.message ?? error}`).join(', ')
  }
  const { message, code } = (innermost ?? {}) as { message?: unknown; code?: unknown }
  const text = typeof message === 'string' && message !== '' ? message : String(innermost ?? thrown)
  const named = typeof code === 'string' && /^E[A-Z]+$/.test(code) && !text.includes(code)
  return redact(named ? `${code}: ${text}` : text).slice(0, 1000)
}

function chainOf(thrown: unknown): object[] {
  const chain: object[] = []
  let current = thrown
  while (typeof current === 'object' && current !== null && chain.length < 10) {
    chain.push(current)
    current = (current as { cause?: unknown }).cause
  }
  return chain
}

const harmless = ['code', 'severity', 'hint', 'schema', 'table', 'column', 'constraint', 'routine', 'syscall']

/**
 * The original as a copy. `pg` attaches its client, and with it the password; `detail` and `where` quote the payload.
 */
export function withoutSecrets(thrown: unknown): Error {
  const copy = new Error(messageOf(thrown))
  const innermost = chainOf(thrown).at(-1) as Record<string, unknown> | undefined
  if (innermost === undefined) return copy
  if (typeof innermost.name === 'string') copy.name = innermost.name
  if (typeof innermost.stack === 'string') {
    const frames = innermost.stack.split('\n').filter((line) => line.trim().startsWith('at '))
    copy.stack = [`${copy.name}: ${copy.message}`, ...frames.map(redact)].join('\n')
  }
  for (const key of harmless) {
    const value = innermost[key]
    if (typeof value === 'string') Object.assign(copy, { [key]: redact(value) })
  }
  const state = sqlStateOf(thrown)
  if (state !== undefined) Object.assign(copy, { code: state })
  return copy
}
