import { summarizeError } from '@aimq/events'
import { PathError } from './errors.ts'

/*
 * What the Realtime server says, in words that say what to do. Codes and sentences are those of supabase/realtime
 * (`realtime_channel.ex`, `user_socket.ex`).
 */

/** The first that matches; `patient` where somebody has to change something first. */
const known: readonly (readonly [RegExp, string, { patient: boolean }])[] = [
  [
    /^Unauthorized|You do not have permissions to read/i,
    'this token may not read the private topic; add the receive policy for it, or use a key that may',
    { patient: true },
  ],
  [
    /^PrivateOnly/i,
    'this project allows private channels only; leave out `private: false`',
    { patient: true },
  ],
  [
    /RealtimeDisabled|tenant.*suspended|\b403\b/i,
    'Realtime is switched off for this project',
    { patient: true },
  ],
  [
    /\b401\b|InvalidJWT|MalformedJWT|JwtSignatureError|Fields `role` and `exp`/i,
    'the key or token was refused; check `key` and `accessToken`',
    { patient: true },
  ],
  [/\b404\b|TenantNotFound/i, 'there is no such project; check `url`', { patient: true }],
  [
    /Token has expired|InvalidJWTExpiration/i,
    'the access token has expired; `accessToken` must answer with a fresh one',
    { patient: false },
  ],
  [
    /Too many messages per second/i,
    'the project sends more messages than its plan allows, and the server closed the channel',
    { patient: false },
  ],
  [
    /RateLimitReached|Too many (channels|connected users|joins)|\b429\b/i,
    'the project is at a limit of its plan',
    { patient: true },
  ],
  [
    /DatabaseLackOfConnections|UnableToConnectToProject|Database.*(unavailable|timeout)/i,
    'the Realtime server cannot reach the database',
    { patient: false },
  ],
]

/** What the server, or the socket, said. */
export function explainRealtime(thrown: unknown): PathError {
  if (thrown instanceof PathError) return thrown
  const texts = [thrown, (thrown as { cause?: unknown } | undefined)?.cause].map(
    (error) => summarizeError(error).message,
  )
  const said = texts.find((text) => known.some(([pattern]) => pattern.test(text))) ?? texts[0] ?? 'unknown'
  for (const [pattern, meaning, options] of known) {
    if (pattern.test(said))
      return new PathError(`${meaning} (the server said: ${said})`, { ...options, cause: thrown })
  }
  return new PathError(said, { cause: thrown })
}
