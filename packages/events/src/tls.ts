/*
 * TLS to PostgreSQL, by one rule for every package that connects. Its own entry (`@aimq/events/tls`): the bus needs none of it.
 */
import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import { EventsError, eventsErrorCodes } from './errors.ts'
import type { Logger } from './logger.ts'

/** What the connection string says about TLS, and the rest of it without that. */
export interface TlsWish {
  readonly mode: 'off' | 'verify' | 'no-verify'
  readonly rootCertificate: string | undefined
  readonly certificate: string | undefined
  readonly key: string | undefined
  readonly connectionString: string
}

const ours = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'ssl', 'uselibpqcompat', 'sslnegotiation']
const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']

/**
 * `sslmode` by our own rules, because the driver's are weaker and about to change: plaintext to another machine only by
 * an explicit `disable`; every other mode verifies the certificate and the name, but for `no-verify`. To this machine
 * (loopback, socket): no TLS unless asked for.
 */
export function parseTls(connectionString: string): TlsWish {
  const [base = '', query = ''] = splitOnce(connectionString, '?')
  const parameters = new URLSearchParams(query)
  const mode = parameters.get('sslmode') ?? undefined
  if (mode !== undefined && !modes.includes(mode)) {
    throw new EventsError(
      eventsErrorCodes.invalidConnection,
      `expected sslmode to be one of ${modes.join(', ')}, got ${JSON.stringify(mode)}`,
    )
  }
  const wish = {
    rootCertificate: parameters.get('sslrootcert') ?? undefined,
    certificate: parameters.get('sslcert') ?? undefined,
    key: parameters.get('sslkey') ?? undefined,
  }
  const socket = parameters.get('host')?.startsWith('/') ?? false
  for (const name of ours) parameters.delete(name)
  const rest = parameters.toString()
  return {
    ...wish,
    mode: chosenMode(mode, socket || isLocal(base), wish.rootCertificate !== undefined),
    connectionString: rest === '' ? base : `${base}?${rest}`,
  }
}

function chosenMode(mode: string | undefined, local: boolean, hasRoot: boolean): TlsWish['mode'] {
  if (mode === 'disable') return 'off'
  if (mode === 'no-verify') return 'no-verify'
  const asked = mode === 'require' || mode?.startsWith('verify-') === true || hasRoot
  return local && !asked ? 'off' : 'verify'
}

/** What the driver's `ssl` option is to be; reads the certificate files. */
export async function tlsOptions(wish: TlsWish, logger: Logger): Promise<ConnectionOptions | false> {
  if (wish.mode === 'off') return false
  if (wish.mode === 'no-verify') {
    logger.warn(
      {},
      'sslmode=no-verify: the connection is encrypted, but anybody could be at the other end; set sslrootcert instead',
    )
  }
  const [ca, cert, key] = await Promise.all(
    [wish.rootCertificate, wish.certificate, wish.key].map(readCertificate),
  )
  return {
    rejectUnauthorized: wish.mode === 'verify',
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

async function readCertificate(path: string | undefined): Promise<string | undefined> {
  // libpq's name for "what the machine trusts", which is what no file means here.
  if (path === undefined || path === 'system') return undefined
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new EventsError(
      eventsErrorCodes.certificateUnreadable,
      `expected a certificate at ${path}, but it cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown'}); correct the path in the connection string`,
      { cause },
    )
  }
}

function isLocal(base: string): boolean {
  const authority = base.replace(/^postgres(ql)?:\/\//, '').split('/')[0] ?? ''
  const host = (splitLast(authority, '@') ?? authority).replace(/:\d+$/, '').toLowerCase()
  return (
    host === '' ||
    host === 'localhost' ||
    host === '[::1]' ||
    host.startsWith('%2f') ||
    /^127(\.\d+){3}$/.test(host)
  )
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)]
}

function splitLast(text: string, separator: string): string | undefined {
  const at = text.lastIndexOf(separator)
  return at < 0 ? undefined : text.slice(at + 1)
}
